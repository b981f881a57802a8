//! The functions of clocks.

use crate::abi::Clock;
use crate::context::Wasi;
use crate::error::Outcome;
use crate::guest::Guest;

impl Wasi {
    /// Writes the resolution of a clock.
    pub(crate) fn clock_res_get(
        &mut self,
        guest: &mut Guest<'_>,
        clock: Clock,
        resolution: u32,
    ) -> Outcome {
        let place = guest.place(resolution)?;
        guest.put(place, self.clocks.resolution(clock).to_le_bytes())?;
        Ok(())
    }

    /// Writes the time of a clock. Clocks are as precise as they can be.
    pub(crate) fn clock_time_get(
        &mut self,
        guest: &mut Guest<'_>,
        clock: Clock,
        _precision: u64,
        time: u32,
    ) -> Outcome {
        let place = guest.place(time)?;
        guest.put(place, self.clocks.now(clock).to_le_bytes())?;
        Ok(())
    }
}

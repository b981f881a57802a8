//! Configurations: settings by name, which make columns of their own (`jit@gc-stress`).
//!
//! A configuration says what is added to the setting of the run: what it leaves as it is by default
//! stays as the options say. The table of those that are always there has a row for each option of
//! a setting; `wassay.toml` may define more.

use std::collections::BTreeMap;

use super::{Bounds, JobConfig, Modes, Profile, Setting};

/// The name of the columns without a configuration, in a matrix.
pub const PLAIN: &str = "plain";

/// The configurations of a run, by name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configurations(BTreeMap<String, Setting>);

impl Default for Configurations {
    fn default() -> Configurations {
        let modes = |change: fn(&mut Modes)| {
            let mut setting = Setting::default();
            change(&mut setting.modes);
            setting
        };
        let rows = [
            (
                "explicit",
                Setting {
                    bounds: Bounds::Explicit,
                    ..Setting::default()
                },
            ),
            (
                "native",
                Setting {
                    profile: Profile::Native,
                    ..Setting::default()
                },
            ),
            ("fuel", modes(|it| it.fuel = true)),
            ("interruptible", modes(|it| it.interruptible = true)),
            ("gc-stress", modes(|it| it.gc_stress = true)),
            ("poison-registers", modes(|it| it.poison_registers = true)),
            ("check-allocation", modes(|it| it.check_allocation = true)),
            ("linear-allocation", modes(|it| it.linear_allocation = true)),
            ("exclusive-atomics", modes(|it| it.exclusive_atomics = true)),
            ("lazy", modes(|it| it.lazy = true)),
            ("background", modes(|it| it.background = true)),
        ];
        Configurations(
            rows.map(|(name, setting)| (name.to_string(), setting))
                .into(),
        )
    }
}

impl Configurations {
    /// The configuration of a name.
    pub fn get(&self, name: &str) -> Option<Setting> {
        self.0.get(name).copied()
    }

    /// Defines a configuration, perhaps anew.
    pub fn define(&mut self, name: String, setting: Setting) {
        self.0.insert(name, setting);
    }

    /// The names, in their order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }
}

impl Setting {
    /// This setting with what another one has that is not the default.
    #[must_use]
    pub fn with(self, more: Setting) -> Setting {
        let standard = Setting::default();
        let Modes {
            fuel,
            interruptible,
            gc_stress,
            poison_registers,
            check_allocation,
            linear_allocation,
            exclusive_atomics,
            lazy,
            background,
            tier_up,
        } = more.modes;
        Setting {
            bounds: match more.bounds == standard.bounds {
                true => self.bounds,
                false => more.bounds,
            },
            profile: match more.profile == standard.profile {
                true => self.profile,
                false => more.profile,
            },
            modes: Modes {
                fuel: fuel || self.modes.fuel,
                interruptible: interruptible || self.modes.interruptible,
                gc_stress: gc_stress || self.modes.gc_stress,
                poison_registers: poison_registers || self.modes.poison_registers,
                check_allocation: check_allocation || self.modes.check_allocation,
                linear_allocation: linear_allocation || self.modes.linear_allocation,
                exclusive_atomics: exclusive_atomics || self.modes.exclusive_atomics,
                lazy: lazy || self.modes.lazy,
                background: background || self.modes.background,
                tier_up: tier_up.or(self.modes.tier_up),
            },
        }
    }
}

impl JobConfig {
    /// The same with what a setting has that is not the default.
    #[must_use]
    pub fn with(self, more: Setting) -> JobConfig {
        let setting = Setting {
            bounds: self.bounds,
            profile: self.profile,
            modes: self.modes,
        };
        let setting = setting.with(more);
        JobConfig {
            bounds: setting.bounds,
            profile: setting.profile,
            modes: setting.modes,
            ..self
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every configuration is what its name says as options, and adds to others.
    #[test]
    fn configurations_add_to_the_setting_of_the_run() {
        let all = Configurations::default();
        let mut sum = Setting::default();
        for name in all.names() {
            let setting = all.get(name).expect("a row");
            let words = setting.words().join(" ");
            assert!(words.ends_with(name), "{name}: {words}");
            assert_eq!(Setting::default().with(setting), setting);
            sum = sum.with(setting);
        }
        assert_eq!(sum.words().len(), all.names().count());
        assert_eq!(sum.with(Setting::default()), sum);
        let tier_up = Some(3);
        let modes = |modes| Setting {
            modes: Modes { tier_up, ..modes },
            ..sum
        };
        assert_eq!(sum.with(modes(Modes::default())), modes(sum.modes));
    }
}

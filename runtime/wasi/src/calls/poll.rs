//! `poll_oneoff`: waiting for clocks and descriptors.

use std::fs::File;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::{Errno as HostErrno, ioctl_fionread};

use crate::abi::{
    Clock, EVENT_BYTES, Errno, Event, EventType, FileType, ReadyFlags, Rights, SUBSCRIPTION_BYTES,
    SubclockFlags, SubscribedEvent, Subscription,
};
use crate::clock::Clocks;
use crate::context::Wasi;
use crate::descriptor::{Descriptor, Descriptors, READ, Resource, WRITE};
use crate::error::{Ending, Outcome};
use crate::guest::Guest;

/// The most subscriptions of a call.
const SUBSCRIPTIONS_MAX: u32 = 4096;
/// The time after which a wait looks at the deadline again.
const TICK: Duration = Duration::from_millis(100);

/// A subscription while it is waited for.
enum Awaited<'a> {
    /// The event has occurred.
    Occurred(Event),
    /// The event occurs after a time.
    After(Duration),
    /// The event occurs when a file of the host is ready.
    Ready(&'a File, PollFlags),
}

impl Wasi {
    /// Waits for the first of some events; writes those that have occurred, and their number.
    pub(crate) fn poll_oneoff(
        &mut self,
        guest: &mut Guest<'_>,
        subscriptions: u32,
        events: u32,
        count: u32,
        occurred: u32,
    ) -> Outcome {
        if count == 0 || count > SUBSCRIPTIONS_MAX {
            return Err(Errno::Inval.into());
        }
        guest.region(subscriptions, count * SUBSCRIPTION_BYTES)?;
        guest.region(events, count * EVENT_BYTES)?;
        let place = guest.place(occurred)?;
        let read = |n| Subscription::read(&guest.array(subscriptions + n * SUBSCRIPTION_BYTES)?);
        let subscribed: Vec<Subscription> = (0..count).map(read).collect::<Result<_, Errno>>()?;
        let Wasi {
            descriptors,
            clocks,
            deadline,
            ..
        } = self;
        let awaited = subscribed.iter().map(|it| awaited(descriptors, clocks, it));
        let awaited: Vec<Awaited<'_>> = awaited.collect();
        let (elapsed, ready) = wait(clocks, *deadline, &awaited)?;
        let mut ready = ready.into_iter();
        let mut number = 0;
        for (subscription, awaited) in subscribed.iter().zip(&awaited) {
            let event = match awaited {
                Awaited::Occurred(event) => Some(*event),
                Awaited::After(time) => (*time <= elapsed).then(|| event(subscription)),
                Awaited::Ready(file, _) => {
                    let flags = ready.next().unwrap_or(PollFlags::empty());
                    (!flags.is_empty()).then(|| readiness(subscription, file, flags))
                }
            };
            if let Some(event) = event {
                guest.write(events + number * EVENT_BYTES, &event.record().0)?;
                number += 1;
            }
        }
        Ok(guest.put(place, number.to_le_bytes())?)
    }
}

/// The event of a subscription, without an error.
fn event(subscription: &Subscription) -> Event {
    Event {
        userdata: subscription.userdata,
        error: Errno::Success,
        event_type: subscription.event_type(),
        bytes: 0,
        flags: ReadyFlags::empty(),
    }
}

/// The state of a subscription before the wait.
fn awaited<'a>(
    descriptors: &'a Descriptors,
    clocks: &mut Clocks,
    subscription: &Subscription,
) -> Awaited<'a> {
    let failed = |error| {
        Awaited::Occurred(Event {
            error,
            ..event(subscription)
        })
    };
    match subscription.event {
        Err(errno) => failed(errno),
        Ok(SubscribedEvent::Clock {
            clock,
            nanoseconds,
            flags,
        }) => match clock {
            // The time of a processor does not pass while a program waits.
            Clock::ProcessCpu | Clock::ThreadCpu => failed(Errno::NotSup),
            Clock::Realtime | Clock::Monotonic => {
                let is_absolute = flags.contains(SubclockFlags::SUBSCRIPTION_CLOCK_ABSTIME);
                let from = if is_absolute { clocks.now(clock) } else { 0 };
                Awaited::After(Duration::from_nanos(nanoseconds.saturating_sub(from)))
            }
        },
        Ok(SubscribedEvent::Ready { event_type, fd }) => {
            let (right, flag) = match event_type {
                EventType::FdWrite => (WRITE, PollFlags::OUT),
                EventType::FdRead | EventType::Clock => (READ, PollFlags::IN),
            };
            let accepts = |it: &Descriptor| it.base.contains(Rights::SOCK_ACCEPT);
            let descriptor = descriptors.with(fd, Rights::POLL_FD_READWRITE);
            let descriptor = descriptor.and_then(|it| {
                let is_listener = accepts(it) && event_type == EventType::FdRead;
                if !is_listener {
                    it.check(right)?;
                }
                Ok(it)
            });
            match descriptor {
                Ok(descriptor) => awaited_file(descriptor, subscription, flag),
                Err(errno) => failed(errno),
            }
        }
    }
}

/// Regular files and streams in memory are always ready.
fn awaited_file<'a>(
    descriptor: &'a Descriptor,
    subscription: &Subscription,
    flag: PollFlags,
) -> Awaited<'a> {
    let bytes = match &descriptor.resource {
        Resource::Host(file) if descriptor.file_type != FileType::RegularFile => {
            return Awaited::Ready(file, flag);
        }
        Resource::Host(file) => bytes_left(file),
        Resource::Input(bytes, at) => (bytes.len() - at) as u64,
        Resource::Directory(_) | Resource::Output(_) | Resource::Lost => 0,
    };
    let is_read = subscription.event_type() == EventType::FdRead;
    Awaited::Occurred(Event {
        bytes: if is_read { bytes } else { 0 },
        ..event(subscription)
    })
}

/// The bytes between the offset of a file and its end.
fn bytes_left(file: &File) -> u64 {
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    size.saturating_sub(rustix::fs::tell(file).unwrap_or(0))
}

/// The event of a file that is ready.
fn readiness(subscription: &Subscription, file: &File, ready: PollFlags) -> Event {
    let event = event(subscription);
    let is_read = event.event_type == EventType::FdRead;
    let hung_up = ready.intersects(PollFlags::HUP | PollFlags::ERR);
    Event {
        error: match ready.contains(PollFlags::NVAL) {
            true => Errno::BadF,
            false => Errno::Success,
        },
        bytes: match is_read {
            true => ioctl_fionread(file).unwrap_or(0),
            false => 0,
        },
        flags: match hung_up {
            true => ReadyFlags::FD_READWRITE_HANGUP,
            false => ReadyFlags::empty(),
        },
        ..event
    }
}

/// Waits for the first event: the time that has passed, and the state of each file of the host.
fn wait(
    clocks: &mut Clocks,
    deadline: Option<Instant>,
    awaited: &[Awaited<'_>],
) -> Outcome<(Duration, Vec<PollFlags>)> {
    let times = awaited.iter().filter_map(|it| match it {
        Awaited::Occurred(_) => Some(Duration::ZERO),
        Awaited::After(time) => Some(*time),
        Awaited::Ready(..) => None,
    });
    let shortest = times.min();
    let polled = awaited.iter().filter_map(|it| match it {
        Awaited::Ready(file, flag) => Some(PollFd::new(*file, *flag)),
        Awaited::Occurred(_) | Awaited::After(_) => None,
    });
    let mut polled: Vec<PollFd<'_>> = polled.collect();
    let begin = Instant::now();
    let elapsed = loop {
        let left = shortest.map(|time| time.saturating_sub(begin.elapsed()));
        let left = match clocks.are_fixed() && left.is_some() {
            true => Some(Duration::ZERO),
            false => left,
        };
        let until = deadline.map(|at| TICK.min(at.saturating_duration_since(Instant::now())));
        let tick = [left, until].into_iter().flatten().min();
        let tick = tick.and_then(|tick| Timespec::try_from(tick).ok());
        match poll(&mut polled, tick.as_ref()) {
            Ok(0) | Err(HostErrno::INTR) => {}
            Ok(_) => break passed(clocks, begin),
            Err(error) => return Err(error.into()),
        }
        match shortest {
            Some(shortest) if clocks.are_fixed() => {
                clocks.pass(shortest);
                break shortest;
            }
            Some(shortest) if begin.elapsed() >= shortest => break begin.elapsed(),
            Some(_) | None => {}
        }
        if deadline.is_some_and(|at| at <= Instant::now()) {
            return Err(Ending::Deadline.into());
        }
    };
    Ok((elapsed, polled.iter().map(PollFd::revents).collect()))
}

/// The time that a program sees pass in a wait.
fn passed(clocks: &Clocks, begin: Instant) -> Duration {
    match clocks.are_fixed() {
        true => Duration::ZERO,
        false => begin.elapsed(),
    }
}

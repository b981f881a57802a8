//! An adapter of `docs/engine-protocol.md` over engines that are libraries.
//!
//!     wassay-adapter ENGINE [ARGUMENTS ..]
//!
//! Requests are read from stdin, one in a line, and answered in order on stdout. A panic of an
//! engine is a fault of the engine, `internal`; a signal ends the adapter, and the harness counts
//! that as a crash.

mod engine;
mod engines;
#[cfg(feature = "shapes")]
mod kinds;
mod message;
#[cfg(feature = "shapes")]
mod phrases;
#[cfg(feature = "shapes")]
mod shape;

use std::io::{BufRead, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use engine::{ENGINES, Engine, Started};
use message::{Ending, Operation, PROTOCOL, Request, Response, Value};

/// The native stack on which the engine runs: a fixed one, so that verdicts do not depend on the
/// caller's limits.
const STACK_BYTES: usize = 16 << 20;

fn main() -> ExitCode {
    let thread = std::thread::Builder::new().stack_size(STACK_BYTES);
    let Ok(thread) = thread.spawn(run) else {
        eprintln!("wassay-adapter: no thread can be started");
        return ExitCode::from(2);
    };
    thread.join().unwrap_or(ExitCode::from(2))
}

fn run() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let named = args
        .first()
        .and_then(|name| ENGINES.iter().find(|row| row.0 == name));
    let Some((_, start)) = named else {
        let known: Vec<&str> = ENGINES.iter().map(|row| row.0).collect();
        eprintln!(
            "usage: wassay-adapter ENGINE; in this build: {}",
            known.join(", ")
        );
        return ExitCode::from(2);
    };
    std::panic::set_hook(Box::new(|_| {}));
    match serve(&mut Host::new(&|| start(&args[1..]))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("wassay-adapter: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Answers requests until stdin ends.
fn serve(host: &mut Host<'_>) -> Result<(), Box<dyn std::error::Error>> {
    let mut stdout = std::io::stdout().lock();
    for line in std::io::stdin().lock().lines() {
        let Request { id, operation } = serde_json::from_str(&line?)?;
        let ending = host.answer(operation);
        let mut line = serde_json::to_string(&Response { id, ending })?;
        line.push('\n');
        stdout.write_all(line.as_bytes())?;
        stdout.flush()?;
    }
    Ok(())
}

/// An engine that can be started anew.
///
/// A panic may leave a store half changed. So after one, a new engine repeats the script up to the
/// request that panicked, and goes on after it.
struct Host<'a> {
    start: &'a dyn Fn() -> Started,
    engine: Started,
    /// The requests of the script that did not panic.
    script: Vec<Operation>,
}

impl Host<'_> {
    fn new(start: &dyn Fn() -> Started) -> Host<'_> {
        Host {
            start,
            engine: started(start),
            script: Vec::new(),
        }
    }

    fn answer(&mut self, operation: Operation) -> Ending {
        if matches!(operation, Operation::Reset) {
            self.script.clear();
        }
        let panic = match (&mut self.engine, &operation) {
            (Ok(engine), _) => match caught(engine.as_mut(), operation.clone()) {
                Ok(ending) => {
                    self.script.push(operation);
                    return ending;
                }
                Err(panic) => panic,
            },
            (Err(reason), Operation::Hello { .. }) => return Ending::unavailable(reason),
            (Err(reason), _) => return Ending::internal(reason),
        };
        self.repeat();
        Ending::internal(panic)
    }

    /// Starts a new engine and repeats the script.
    fn repeat(&mut self) {
        // What a panic has left behind may panic again when it is dropped.
        std::mem::forget(std::mem::replace(&mut self.engine, started(self.start)));
        let Ok(engine) = &mut self.engine else { return };
        for operation in &self.script {
            if let Err(panic) = caught(engine.as_mut(), operation.clone()) {
                let reason = format!("the script cannot be repeated after a panic: {panic}");
                self.engine = Err(reason.into());
                return;
            }
        }
    }
}

/// An engine, or the reason why there is none.
fn started(start: &dyn Fn() -> Started) -> Started {
    catch_unwind(AssertUnwindSafe(start)).unwrap_or_else(|panic| Err(text_of(&*panic).into()))
}

/// The answer to a request, or the message of a panic.
fn caught(engine: &mut dyn Engine, operation: Operation) -> Result<Ending, String> {
    catch_unwind(AssertUnwindSafe(|| answer(engine, operation))).map_err(|panic| text_of(&*panic))
}

fn answer(engine: &mut dyn Engine, operation: Operation) -> Ending {
    let done = match operation {
        Operation::Hello { protocol: PROTOCOL } => {
            let (name, version) = engine.identity();
            let lacks = engine.lacks();
            return Ending::Ready {
                protocol: PROTOCOL,
                engine: name,
                version,
                lacks,
            };
        }
        Operation::Hello { protocol } => {
            let message = format!("the adapter speaks version {PROTOCOL}, not {protocol}");
            return Ending::unavailable(message);
        }
        Operation::Reset => engine.reset(),
        Operation::Module { module, bytes } => match STANDARD.decode(bytes) {
            Ok(bytes) => engine.module(module, &bytes),
            Err(error) => Err(Ending::host_error(error)),
        },
        Operation::Instantiate { module, instance } => engine.instantiate(module, instance),
        Operation::Register { instance, name } => engine.register(instance, &name),
        Operation::Invoke {
            instance,
            export,
            args,
        } => {
            let args: Result<Vec<Value>, Ending> = args.iter().map(|it| Value::parse(it)).collect();
            return values(args.and_then(|args| engine.invoke(instance, &export, &args)));
        }
        Operation::Get { instance, export } => {
            return values(engine.get(instance, &export).map(|value| vec![value]));
        }
        Operation::Unknown => Err(Ending::unsupported("an operation that is not of version 1")),
    };
    done.map_or_else(|ending| ending, |()| Ending::Ok)
}

fn values(values: Result<Vec<Value>, Ending>) -> Ending {
    values.map_or_else(
        |ending| ending,
        |values| Ending::Values {
            values: values.iter().map(Value::text).collect(),
        },
    )
}

/// The message of a panic.
fn text_of(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    let text = text.or(panic.downcast_ref::<&str>().copied());
    format!("panic: {}", text.unwrap_or("no message"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::cell::Cell;

    thread_local! {
        /// The engines that were started.
        static STARTED: Cell<u32> = const { Cell::new(0) };
    }

    /// An engine that counts its modules and panics over the empty one.
    struct Counter(u32);

    impl Engine for Counter {
        fn identity(&self) -> (String, String) {
            ("counter".to_string(), "1".to_string())
        }

        fn reset(&mut self) -> Result<(), Ending> {
            self.0 = 0;
            Ok(())
        }

        fn module(&mut self, _: u32, bytes: &[u8]) -> Result<(), Ending> {
            assert!(!bytes.is_empty(), "an empty module");
            self.0 += 1;
            Ok(())
        }

        fn instantiate(&mut self, _: u32, _: u32) -> Result<(), Ending> {
            Err(Ending::limit(self.0))
        }

        fn register(&mut self, _: u32, _: &str) -> Result<(), Ending> {
            Ok(())
        }

        fn invoke(&mut self, _: u32, _: &str, _: &[Value]) -> Result<Vec<Value>, Ending> {
            Ok(vec![Value::I32(self.0)])
        }

        fn get(&mut self, _: u32, _: &str) -> Result<Value, Ending> {
            Ok(Value::I32(self.0))
        }
    }

    fn start() -> Started {
        STARTED.set(STARTED.get() + 1);
        Ok(Box::new(Counter(0)))
    }

    #[test]
    fn a_new_engine_repeats_the_script_after_a_panic() {
        let mut host = Host::new(&start);
        let module = |bytes: &[u8]| Operation::Module {
            module: 0,
            bytes: STANDARD.encode(bytes),
        };
        assert!(matches!(host.answer(Operation::Reset), Ending::Ok));
        for _ in 0..2 {
            assert!(matches!(host.answer(module(b"m")), Ending::Ok));
        }
        assert!(matches!(host.answer(module(b"")), Ending::Internal { .. }));
        assert_eq!(STARTED.get(), 2);
        let get = Operation::Get {
            instance: 0,
            export: "modules".to_string(),
        };
        let Ending::Values { values } = host.answer(get) else {
            panic!("a value");
        };
        assert_eq!(values, ["i32:0x00000002"]);
    }

    #[test]
    fn versions_and_operations_that_are_not_known_are_refused() {
        let mut host = Host::new(&start);
        let hello = |protocol| Operation::Hello { protocol };
        assert!(matches!(host.answer(hello(PROTOCOL)), Ending::Ready { .. }));
        assert!(matches!(
            host.answer(hello(PROTOCOL + 1)),
            Ending::Unavailable { .. }
        ));
        assert!(matches!(
            host.answer(Operation::Unknown),
            Ending::Unsupported { .. }
        ));
        let mut broken = Host::new(&|| Err("it is not here".into()));
        assert!(matches!(
            broken.answer(hello(PROTOCOL)),
            Ending::Unavailable { .. }
        ));
        assert!(matches!(
            broken.answer(Operation::Reset),
            Ending::Internal { .. }
        ));
    }
}

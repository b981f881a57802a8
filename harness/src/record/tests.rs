//! Tests of records: what is written reads back, and bad files name the line.

use std::fs;

use super::*;

fn record() -> Record {
    let call = |name: &str, answer| HostCall {
        name: name.to_string(),
        args: vec![1, u64::MAX],
        reads: vec![(16, 8)],
        read_hash: u64::MAX - 1,
        answer,
        writes: vec![(1024, Bytes(vec![0, 255, 7]))],
        output: vec![(1, Bytes(b"text".to_vec()))],
        state: Some(StateHash {
            memories: u64::MAX,
            ..StateHash::default()
        }),
    };
    Record {
        head: Head {
            version: VERSION,
            sha256: sha256(b"module"),
            invoke: "_start".to_string(),
        },
        calls: vec![
            call("fd_write", Answer::Errno(0)),
            call("proc_exit", Answer::Exit(3)),
        ],
        end: End {
            ending: "trap: unreachable".to_string(),
            is_open: false,
            trace: vec![Place {
                func: 3,
                offset_bytes: Some(77),
            }],
            state: None,
        },
    }
}

/// The lines of the record in a file.
fn lines(path: &Path) -> Vec<String> {
    let Record { head, calls, end } = record();
    let mut writer = Writer::create(path, head).expect("created");
    for call in calls {
        writer.write(&Line::Call(call)).expect("written");
    }
    writer.finish(end).expect("written");
    let text = fs::read_to_string(path).expect("there");
    text.lines().map(str::to_string).collect()
}

#[test]
fn records_read_back() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("record");
    assert_eq!(lines(&path).len(), 4);
    assert_eq!(read(&path).expect("a record"), record());
}

#[test]
fn bad_records_name_the_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("record");
    let good = lines(&path);
    let bad = |lines: &[&str], line: Option<usize>, message: &str| {
        fs::write(&path, lines.join("\n")).expect("written");
        let error = read(&path).expect_err("a bad record");
        assert_eq!(error.line, line, "{error}");
        assert!(error.message.contains(message), "{error}");
    };
    let [head, call, exit, end] = [0, 1, 2, 3].map(|n| good[n].as_str());
    bad(&[], None, "empty");
    bad(&["{}", end], Some(1), "not the head");
    bad(&["text"], Some(1), "expected");
    bad(&[call, end], Some(1), "not the head");
    let newer = head.replace("\"version\":1", "\"version\":2");
    bad(&[&newer, end], Some(1), "version 2");
    bad(&[head, call, exit], Some(3), "no end");
    bad(&[head, call, head, end], Some(3), "second head");
    bad(&[head, end, call], Some(3), "behind the end");
    bad(&[head, &call[..call.len() - 9], end], Some(2), "string");
    let wrong = call.replace("\"AP8H\"", "\"A!\"");
    assert_ne!(wrong, call);
    bad(&[head, &wrong, end], Some(2), "symbol");
    let unknown = call.replace("\"args\"", "\"arguments\"");
    bad(&[head, &unknown, end], Some(2), "unknown field");
}

/// Every cut of a record is refused.
#[test]
fn a_record_that_is_cut_off_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("record");
    lines(&path);
    let bytes = fs::read(&path).expect("there");
    for len in 0..bytes.len() - 1 {
        fs::write(&path, &bytes[..len]).expect("written");
        assert!(read(&path).is_err(), "{len}");
    }
}

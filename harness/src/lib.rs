//! The harness: suite, script, pool, judge, compare, report.

//! Failures as annotations of GitHub Actions: workflow commands, which a step prints.
//!
//! GitHub shows ten annotations of each type for a step and drops the others without a word, so the
//! last one here says how many there are.

use super::Presenter;
use super::beside::Beside;
use super::failure::{Failure, failures};
use super::verdict_line;
use crate::report::Report;

/// The format.
pub struct Github;

/// Annotations of a type that GitHub shows for a step.
const OF_TYPE_MAX: usize = 10;
/// Bytes of a message.
const MESSAGE_BYTES_MAX: usize = 4000;

impl Presenter for Github {
    fn name(&self) -> &'static str {
        "github"
    }

    fn about(&self) -> &'static str {
        "annotations of GitHub Actions, for stdout: github=-"
    }

    fn render(&self, report: &Report, _beside: &Beside) -> String {
        let failures = failures(report);
        let mut errors: Vec<String> = Vec::new();
        if !report.accounting.closed {
            errors.push(command(
                "error",
                &[("title", "Wassay")],
                "the accounting is open",
            ));
        }
        errors.extend(failures.iter().map(|failure| annotation(report, failure)));
        let unavailable = report.tiers.iter();
        let unavailable = unavailable.filter_map(|(tier, account)| {
            let reason = account.reason.as_ref().filter(|_| !account.available)?;
            let text = format!("engine {tier} is unavailable: {reason}");
            Some(command("warning", &[("title", "Wassay")], &text))
        });
        let mut out = String::new();
        for (kind, all) in [("error", errors), ("warning", unavailable.collect())] {
            out.push_str(&limited(kind, all));
        }
        let summary = verdict_line(report);
        out + &command("notice", &[("title", "Wassay")], &summary)
    }
}

/// The first commands of a type, and one that counts the others if they are too many.
fn limited(kind: &str, all: Vec<String>) -> String {
    if all.len() <= OF_TYPE_MAX {
        return all.concat();
    }
    let shown = OF_TYPE_MAX - 1;
    let text = format!(
        "and {} more, which GitHub would not show",
        all.len() - shown
    );
    all[..shown].concat() + &command(kind, &[("title", "Wassay")], &text)
}

fn annotation(report: &Report, failure: &Failure<'_>) -> String {
    let line = failure.line.to_string();
    let column = failure.column.to_string();
    let title = failure.title();
    let path = report.run.path_of(failure.file);
    let mut properties = Vec::new();
    if let Some(path) = &path {
        properties.extend([("file", path.as_str()), ("line", &line), ("col", &column)]);
    }
    properties.push(("title", &title));
    let place = format!("{}:{line}:{column}", failure.file);
    let text = format!("{place}\n{}", failure.lines().join("\n"));
    command("error", &properties, &text)
}

/// A workflow command on a line of its own.
fn command(kind: &str, properties: &[(&str, &str)], message: &str) -> String {
    let property = |(name, value): &(&str, &str)| {
        let value = data(value).replace(':', "%3A").replace(',', "%2C");
        format!("{name}={value}")
    };
    let properties: Vec<String> = properties.iter().map(property).collect();
    let end = (0..=message.len().min(MESSAGE_BYTES_MAX)).rev();
    let end = end
        .into_iter()
        .find(|&end| message.is_char_boundary(end))
        .unwrap_or(0);
    format!(
        "::{kind} {}::{}\n",
        properties.join(","),
        data(&message[..end])
    )
}

/// Text as commands have it; control characters would end the line or move the log's cursor.
fn data(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '%' => out.push_str("%25"),
            '\r' => out.push_str("%0D"),
            '\n' => out.push_str("%0A"),
            c if super::cases::is_odd(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::EngineName;
    use crate::judge::verdict::Status::{Fail, Pass};
    use crate::present::hostile::hostile_report;
    use crate::report::samples::{file, report};

    fn render(count: usize) -> String {
        let tiers = [EngineName::STACK, EngineName::JIT];
        let statuses = vec![Fail; count];
        let a = file(
            "a.wast",
            &vec!["(module)"; count],
            &tiers.map(|it| (it, &statuses[..])),
        );
        let mut report = report(&tiers, &[a]);
        report.run.suite = "s".to_string();
        report.run.folder = Some("s".to_string());
        Github.render(&report, &Beside::default())
    }

    #[test]
    fn ten_are_shown_and_the_rest_is_counted() {
        for (count, shown) in [(1, 1), (10, 10), (11, 10), (500, 10)] {
            let text = render(count);
            let errors: Vec<&str> = text
                .lines()
                .filter(|it| it.starts_with("::error "))
                .collect();
            assert_eq!(errors.len(), shown, "{count}");
            let rest = format!("and {} more", count.saturating_sub(9));
            assert_eq!(text.contains(&rest), count > 10, "{text}");
        }
        let text = render(1);
        assert!(
            text.starts_with("::error file=s/a.wast,line=1,col=1,title=module%3A "),
            "{text}"
        );
        assert!(text.contains("(stack%2C jit)"), "{text}");
        assert_eq!(
            text.lines().last(),
            Some("::notice title=Wassay::1 failure; 0 of 1 directives pass in every engine (2)")
        );
    }

    #[test]
    fn a_run_without_failures_is_one_notice() {
        let a = file("a.wast", &["(module)"], &[(EngineName::STACK, &[Pass])]);
        let text = Github.render(&report(&[EngineName::STACK], &[a]), &Beside::default());
        assert_eq!(text.lines().count(), 1, "{text}");
    }

    #[test]
    fn hostile_names_end_no_command() {
        let text = Github.render(&hostile_report(), &Beside::default());
        for line in text.lines() {
            assert!(
                line.starts_with("::error ") || line.starts_with("::notice "),
                "{line}"
            );
            let (properties, _) = line[2..].split_once("::").expect("a command");
            assert!(!properties.contains("::"), "{line}");
            assert!(!line.chars().any(crate::present::cases::is_odd), "{line}");
        }
    }
}

//! The columns of a run: engines in configurations.

use crate::engine::{EngineList, EngineName};
use crate::error::InputError;
use crate::measure::Options;
use crate::protocol::Profile;
use crate::protocol::configuration::{Configurations, PLAIN};

/// The columns: each of our own tiers in each configuration of the matrix. Engines of other makers
/// have no configurations, and tiers that are named with one have that one.
///
/// # Errors
/// If a configuration is not known.
pub(super) fn columns(
    engines: &EngineList,
    matrix: &[String],
    configurations: &Configurations,
) -> Result<EngineList, InputError> {
    let mut columns = Vec::new();
    for &engine in &engines.0 {
        if matrix.is_empty() || engine.tier().is_none() || engine.configuration().is_some() {
            columns.push(engine);
            continue;
        }
        for name in matrix {
            columns.push(match name.as_str() {
                PLAIN => engine,
                name => {
                    let column = engine.in_configuration(name);
                    column.map_err(|error| InputError::usage(error.to_string()))?
                }
            });
        }
    }
    for column in &columns {
        check(*column, configurations)?;
    }
    columns.sort();
    columns.dedup();
    Ok(EngineList(columns))
}

fn check(column: EngineName, configurations: &Configurations) -> Result<(), InputError> {
    let Some(name) = column.configuration() else {
        return Ok(());
    };
    if column.tier().is_none() {
        let message = format!("`{column}`: only our own tiers have configurations");
        return Err(InputError::usage(message));
    }
    if configurations.get(name).is_none() {
        let known: Vec<&str> = [PLAIN].into_iter().chain(configurations.names()).collect();
        let message = format!(
            "unknown configuration `{name}` (known: {})",
            known.join(", ")
        );
        return Err(InputError::usage(message));
    }
    Ok(())
}

/// Refuses the native profile without the tier that tells where results are open.
pub(super) fn check_native(options: &Options) -> Result<(), InputError> {
    let own: Vec<EngineName> = {
        let own = options.tiers.iter().filter(|name| name.tier().is_some());
        own.copied().collect()
    };
    let is_native = |column: &EngineName| {
        let added = column
            .configuration()
            .and_then(|name| options.configurations.get(name));
        let setting = added.map_or(options.setting, |added| options.setting.with(added));
        setting.profile == Profile::Native
    };
    let native: Vec<EngineName> = own.iter().copied().filter(is_native).collect();
    let tells = |column: &EngineName| column.engine() == EngineName::STACK;
    if native.is_empty() || own.len() < 2 || native.iter().any(tells) {
        return Ok(());
    }
    Err(InputError::usage(
        "--float-profile native compares tiers only beside the stack tier, which tells where the \
         specification allows several results: add `stack` to --engines",
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::parse_list;

    fn names(engines: &str, matrix: &[&str]) -> Result<Vec<&'static str>, InputError> {
        let engines = parse_list(engines).expect("a list");
        let matrix: Vec<String> = matrix.iter().map(ToString::to_string).collect();
        let columns = columns(&engines, &matrix, &Configurations::default())?;
        Ok(columns.0.iter().map(|name| name.name()).collect())
    }

    #[test]
    fn a_matrix_has_each_tier_in_each_configuration() {
        assert_eq!(names("jit,stack", &[]), Ok(vec!["stack", "jit"]));
        assert_eq!(
            names("jit,wasmi,stack@lazy", &["fuel", "plain", "fuel"]),
            Ok(vec!["stack@lazy", "jit", "jit@fuel", "wasmi"])
        );
        assert_eq!(names("jit", &["explicit"]), Ok(vec!["jit@explicit"]));
        for (engines, matrix) in [
            ("jit", "banana"),
            ("jit@banana", "fuel"),
            ("wasmi@fuel", "fuel"),
        ] {
            assert!(names(engines, &[matrix]).is_err(), "{engines} {matrix}");
        }
    }
}

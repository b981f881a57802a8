//! The source `smith`: modules of wasm-smith, in swarms over the proposals that Wassay executes.
//!
//! Each seed draws the proposals, the kinds of instructions and the sizes: what a module may use
//! decides what it uses often. Loops and calls have fuel, so every module terminates.

use arbitrary::Unstructured;
use wasm_smith::{Config, InstructionKind, InstructionKinds, MemoryOffsetChoices, Module};

use crate::features::{FeatureSet, Proposal};

use super::limit::{REFUEL, limited};
use super::outline::Outline;
use super::random::Random;
use super::{Case, Source, calls, is_valid};

/// The source.
pub(super) struct Smith;

impl Source for Smith {
    fn name(&self) -> &'static str {
        "smith"
    }

    fn about(&self) -> &'static str {
        "wasm-smith, in swarms over the proposals"
    }

    fn weight(&self) -> u32 {
        2
    }

    fn case(&self, seed: u64) -> Option<Case> {
        let mut random = Random::new(seed, 1);
        (0..TRIES).find_map(|_| case(&mut random))
    }
}

/// The number of modules of a seed that are made until one has a function that scripts can call.
const TRIES: usize = 4;

fn case(random: &mut Random) -> Option<Case> {
    let config = config(random);
    let features = features(&config);
    let len = random.range(256, 4096);
    let bytes = random.bytes(len);
    let module = Module::new(config, &mut Unstructured::new(&bytes)).ok()?;
    let module = module.to_bytes();
    // wasm-smith takes nulls of a type for nulls of the exact type.
    if !is_valid(&module, features) {
        return None;
    }
    let outline = Outline::of(&module).ok()?;
    let module = limited(&module, &outline)?;
    let calls = calls::of_exports(&outline, random, 3, 20);
    if calls.is_empty() {
        return None;
    }
    let mut commands = vec![calls::module(module)];
    for call in calls {
        commands.push(calls::invoke(REFUEL, Vec::new()));
        commands.push(call);
    }
    Some(Case { features, commands })
}

/// The kinds of instructions, of which a swarm has some.
const KINDS: [InstructionKind; 9] = [
    InstructionKind::Numeric,
    InstructionKind::Vector,
    InstructionKind::Reference,
    InstructionKind::Parametric,
    InstructionKind::Variable,
    InstructionKind::Table,
    InstructionKind::Memory,
    InstructionKind::Control,
    InstructionKind::Aggregate,
];

/// The configuration of a swarm.
fn config(random: &mut Random) -> Config {
    let kinds: Vec<_> = KINDS.into_iter().filter(|_| random.chance(75)).collect();
    let has_all_kinds = random.chance(30);
    let has_objects = random.chance(50);
    let memories = random.pick(&[1, 1, 1, 2, 4]);
    Config {
        allowed_instructions: match has_all_kinds || kinds.is_empty() {
            true => InstructionKinds::all(),
            false => InstructionKinds::new(&kinds),
        },
        export_everything: true,
        // A start function that runs out of fuel would leave no instance.
        allow_start_export: false,
        disallow_traps: random.chance(85),
        allow_floats: random.chance(90),
        max_imports: 0,
        min_types: 2,
        min_funcs: 2,
        max_funcs: random.range(2, 7),
        max_instructions: random.pick(&[20, 60, 150, 400]),
        max_nesting_depth: random.range(2, 10),
        max_values: random.pick(&[2, 4, 10, 16]),
        max_types: random.range(2, 20),
        max_type_size: 200,
        max_globals: random.range(0, 10),
        max_tags: random.range(1, 4),
        max_memories: memories,
        min_memories: u32::from(random.chance(80)),
        max_tables: random.range(1, 3),
        min_tables: u32::from(random.chance(50)),
        max_memory32_bytes: 2 << 16,
        max_memory64_bytes: 2 << 16,
        max_table_elements: 20,
        memory_max_size_required: true,
        table_max_size_required: true,
        memory_offset_choices: random.pick_offsets(),
        max_data_segments: random.range(0, 4),
        max_element_segments: random.range(0, 4),
        max_elements: random.range(1, 10),
        max_exports: 100,
        bulk_memory_enabled: random.chance(80),
        reference_types_enabled: true,
        multi_value_enabled: random.chance(80),
        saturating_float_to_int_enabled: random.chance(70),
        sign_extension_ops_enabled: random.chance(70),
        simd_enabled: random.chance(50),
        relaxed_simd_enabled: random.chance(40),
        exceptions_enabled: random.chance(50),
        gc_enabled: has_objects,
        tail_call_enabled: random.chance(60),
        threads_enabled: random.chance(40),
        memory64_enabled: random.chance(40),
        custom_page_sizes_enabled: random.chance(25),
        custom_descriptors_enabled: has_objects && random.chance(20),
        wide_arithmetic_enabled: random.chance(40),
        extended_const_enabled: random.chance(50),
        compact_imports_enabled: false,
        shared_everything_threads_enabled: false,
        acquire_release_atomics_enabled: false,
        multibyte_array_access_enabled: false,
        limit_arrays_in_const_exprs: true,
        ..Config::default()
    }
}

impl Random {
    /// Weights of offsets of accesses: inside of a memory, anywhere in 32 bits, beyond.
    fn pick_offsets(&mut self) -> MemoryOffsetChoices {
        match self.chance(80) {
            true => MemoryOffsetChoices(99, 1, 0),
            false => MemoryOffsetChoices(90, 9, 1),
        }
    }
}

/// The features that modules of a configuration may use.
fn features(config: &Config) -> FeatureSet {
    use Proposal as P;
    let optional = [
        (config.bulk_memory_enabled, P::BulkMemory),
        (config.multi_value_enabled, P::MultiValue),
        (
            config.saturating_float_to_int_enabled,
            P::NontrappingFloatToInt,
        ),
        (config.sign_extension_ops_enabled, P::SignExtension),
        (config.simd_enabled, P::Simd),
        (
            config.simd_enabled && config.relaxed_simd_enabled,
            P::RelaxedSimd,
        ),
        (config.exceptions_enabled, P::Exceptions),
        (config.gc_enabled, P::Gc),
        (config.gc_enabled, P::FunctionReferences),
        (config.tail_call_enabled, P::TailCall),
        (config.threads_enabled, P::Threads),
        (config.max_memories > 1, P::MultiMemory),
        (config.memory64_enabled, P::Memory64),
        (config.custom_page_sizes_enabled, P::CustomPageSizes),
        (config.custom_descriptors_enabled, P::CustomDescriptors),
        (config.wide_arithmetic_enabled, P::WideArithmetic),
        (config.extended_const_enabled, P::ExtendedConst),
    ];
    let used = optional.into_iter().filter(|(enabled, _)| *enabled);
    used.fold(
        FeatureSet::WASM1.with(P::ReferenceTypes),
        |set, (_, proposal)| set.with(proposal),
    )
}

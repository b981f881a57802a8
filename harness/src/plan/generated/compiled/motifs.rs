//! Motifs: pieces of code that compilers make often and random expressions make seldom. A program
//! draws them by weight; each is a function that adds statements to a body.

use crate::features::Proposal;

use super::body::Body;

mod atomics;
mod calls;
mod chains;
mod control;
mod exceptions;
mod loops;
mod memory;
mod objects;
mod ranges;
mod registers;
mod runs;
mod scalars;
mod size;
mod tables;
mod vectors;

/// A motif.
pub(super) struct Motif {
    /// The motif's name.
    pub(super) name: &'static str,
    weight: u32,
    /// The proposals that it needs.
    needs: &'static [Proposal],
    add: fn(&mut Body<'_>),
}

const fn motif(
    name: &'static str,
    weight: u32,
    needs: &'static [Proposal],
    add: fn(&mut Body<'_>),
) -> Motif {
    Motif {
        name,
        weight,
        needs,
        add,
    }
}

/// Every motif.
#[rustfmt::skip]
pub(super) const MOTIFS: &[Motif] = {
    use Proposal as P;
    &[
        // Registers and locals.
        motif("pressure", 8, &[], registers::pressure),
        motif("rotation of locals", 8, &[], registers::rotation),
        motif("loop parameters", 8, &[P::MultiValue], registers::loop_parameters),
        motif("permuted results", 6, &[P::MultiValue], registers::permuted_results),
        motif("set and tee", 10, &[], registers::set_and_tee),
        motif("live across calls", 8, &[], registers::live_across_calls),
        motif("merge of locals", 6, &[], registers::merge),
        // Scalars.
        motif("pair of operations", 24, &[], scalars::pair),
        motif("constant operand", 14, &[], scalars::constants),
        motif("dirty upper half", 12, &[], scalars::dirty),
        motif("division by constant", 8, &[], scalars::division),
        motif("product of extended", 6, &[], scalars::long_products),
        motif("comparison used twice", 10, &[], scalars::compared_twice),
        motif("shift and mask", 10, &[], scalars::shift_and_mask),
        motif("float edges", 6, &[], scalars::floats),
        motif("wide arithmetic", 12, &[P::WideArithmetic], scalars::wide),
        // Memories.
        motif("edge of memory", 16, &[], memory::edges),
        motif("growth", 8, &[], memory::growth),
        motif("growth by a call", 5, &[], memory::growth_by_call),
        motif("growth in loops", 4, &[], memory::growth_in_loops),
        motif("even stride", 8, &[], memory::stride),
        motif("even loop", 14, &[], loops::even),
        motif("loops in a row", 10, &[], chains::inside),
        motif("run of accesses", 10, &[], runs::inside),
        motif("index with a range", 10, &[], ranges::inside),
        motif("bulk memory", 6, &[P::BulkMemory], memory::bulk),
        motif("forwarded store", 8, &[], memory::forwarded),
        // Calls.
        motif("many arguments", 7, &[], calls::many_arguments),
        motif("tail call", 10, &[P::TailCall], calls::tail),
        motif("tail recursion", 6, &[P::TailCall], calls::tail_recursion),
        motif("call of another instance", 14, &[], calls::across),
        motif("recursion", 5, &[], calls::recursion),
        // Control.
        motif("switch with values", 6, &[P::MultiValue], control::switch_values),
        motif("exits of a loop", 6, &[], control::exits),
        motif("chain of conditions", 6, &[], control::conditions),
        // Exceptions.
        motif("caught exception", 14, &[P::Exceptions], exceptions::caught),
        motif("exception through a frame", 8, &[P::Exceptions], exceptions::through_frame),
        motif("exception thrown again", 8, &[P::Exceptions], exceptions::thrown_again),
        motif("legacy exception", 16, &[P::LegacyExceptions], exceptions::legacy),
        motif("legacy delegate", 8, &[P::LegacyExceptions], exceptions::delegate),
        // Objects.
        motif("linked list", 9, &[P::Gc], objects::list),
        motif("array", 14, &[P::Gc], objects::array),
        motif("array of references", 7, &[P::Gc], objects::references),
        motif("segments to arrays", 5, &[P::Gc], objects::segments),
        motif("packed fields", 8, &[P::Gc], objects::packed),
        motif("cast", 12, &[P::Gc], objects::casts),
        motif("chain of subtypes", 7, &[P::Gc], objects::chain),
        motif("i31", 7, &[P::Gc], objects::i31),
        motif("graph in globals", 8, &[P::Gc], objects::graph),
        motif("descriptor", 14, &[P::CustomDescriptors], objects::descriptors),
        motif("large object", 4, &[P::Gc], objects::large),
        motif("null tests", 6, &[P::FunctionReferences], tables::null_tests),
        // Tables.
        motif("table", 8, &[P::ReferenceTypes], tables::table),
        motif("bulk table", 5, &[P::ReferenceTypes], tables::bulk),
        // Vectors.
        motif("vector chain", 14, &[P::Simd], vectors::chain),
        motif("constant vector", 8, &[P::Simd], vectors::constants),
        motif("sums of vectors", 8, &[P::Simd], vectors::sums),
        motif("lanes", 10, &[P::Simd], vectors::lanes),
        motif("vector memory", 8, &[P::Simd], vectors::memory),
        motif("relaxed vectors", 10, &[P::RelaxedSimd], vectors::relaxed),
        // Atomics.
        motif("atomic access", 20, &[P::Threads], atomics::access),
        motif("compare-exchange", 12, &[P::Threads], atomics::compare_exchange),
        motif("wait and notify", 5, &[P::Threads], atomics::wait),
        // Size.
        motif("large frame", 1, &[], size::frame),
        motif("many blocks", 1, &[], size::blocks),
    ]
};

/// Adds the body of a function that traps for some of its arguments, by an access beyond the end.
pub(super) fn beyond(body: &mut Body<'_>) {
    match body.random.below(14) {
        0..2 => memory::beyond(body),
        2..6 => loops::beyond(body),
        6..8 => chains::beyond(body),
        8..11 => runs::beyond(body),
        _ => ranges::beyond(body),
    }
}

/// Adds a motif that the module may have.
pub(super) fn some(body: &mut Body<'_>) {
    let fits = |it: &&Motif| it.needs.iter().all(|proposal| body.program.has(*proposal));
    let fitting: Vec<&Motif> = MOTIFS.iter().filter(fits).collect();
    let weights: Vec<(u32, usize)> = (fitting.iter().enumerate())
        .map(|(index, it)| (it.weight, index))
        .collect();
    let motif = fitting[body.random.weighted(&weights)];
    body.program.motifs.insert(motif.name);
    (motif.add)(body);
}

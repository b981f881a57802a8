//! Decoding of emitted machine code by decoders that share nothing with our encoder.
//!
//! Two decoders are asked, because each has gaps: `disarm64` (tables from binutils, text without
//! aliases, so comparable with ours) and `yaxpeax-arm` (stricter about unallocated encodings).

use std::fmt;

use yaxpeax_arch::{Decoder, U8Reader};
use yaxpeax_arm::armv8::a64::InstDecoder;

/// A word that is not an instruction to either decoder.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Undecodable {
    /// The word's place in the sequence.
    pub index: usize,
    pub word: u32,
}

impl fmt::Display for Undecodable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "word {} is no A64 instruction: {:#010x}",
            self.index, self.word
        )
    }
}

impl std::error::Error for Undecodable {}

/// The text of each instruction word. Data must be left out, as
/// the callers do.
///
/// # Errors
/// At the first word that neither decoder knows.
pub fn disassemble_all(words: impl IntoIterator<Item = u32>) -> Result<Vec<String>, Undecodable> {
    let text = |(index, word)| disassemble(word).ok_or(Undecodable { index, word });
    words.into_iter().enumerate().map(text).collect()
}

/// The text of one instruction word, by the first decoder that knows it.
pub fn disassemble(word: u32) -> Option<String> {
    by_disarm64(word).or_else(|| by_yaxpeax(word))
}

/// The text by `disarm64`: no aliases, targets as addresses from 0.
pub fn by_disarm64(word: u32) -> Option<String> {
    disarm64::decoder::decode(word).map(|opcode| opcode.to_string())
}

/// The text by `yaxpeax-arm`: aliases preferred.
pub fn by_yaxpeax(word: u32) -> Option<String> {
    let bytes = word.to_le_bytes();
    let decoded = InstDecoder::default().decode(&mut U8Reader::new(&bytes));
    decoded.ok().map(|inst| inst.to_string())
}

//! The key derivation functions of NIST SP 800-108 in counter, feedback and double-pipeline mode (PKCS#11 v3.2,
//! section 6 "SP800-108 Key Derivation").
//!
//! The caller spells the PRF's input out, segment by segment. Each key begins with a block of its own.

use zeroize::Zeroizing;

use crate::crypto::DigestValue;
use crate::error::{Error, ErrorKind, Result};
use crate::object::{Attributes, Inherit, Template};
use crate::types::{SecretBytes, ck, length};

use super::prf::{Prf, PrfKind};
use super::{ANY_SECRET, any_len, invalid, named, row, structure, zeroed};
use crate::mechanism::derivation::{Base, Derivation, Derive, Derived};
use crate::mechanism::descriptor::Descriptor;
use crate::mechanism::material;
use crate::mechanism::params::{KdfKind, NumberFormat, ParamKind, Params, Segment, Sp800108};
use crate::mechanism::secret::MAX_BYTES;

/// Bits, alone among the key derivation functions.
const SIZES: (ck::CK_ULONG, ck::CK_ULONG) = (8, MAX_BYTES * 8);
const PARAM: ParamKind = ParamKind::Kdf(KdfKind::Sp800108);
const FEEDBACK: ParamKind = ParamKind::Kdf(KdfKind::Sp800108Feedback);
const SECOND: &str = "CAVP, Python cryptography";

pub(in crate::mechanism) const ROWS: &[Descriptor] = &[
    mode(named!(CKM_SP800_108_COUNTER_KDF), PARAM, |d, params| derive(Mode::Counter, d, params), SECOND),
    mode(
        named!(CKM_SP800_108_FEEDBACK_KDF),
        FEEDBACK,
        |d, params| derive(Mode::Feedback, d, params),
        "OpenSSL",
    ),
    mode(
        named!(CKM_SP800_108_DOUBLE_PIPELINE_KDF),
        PARAM,
        |d, params| derive(Mode::DoublePipeline, d, params),
        "Python hmac",
    ),
];

const fn mode(
    name: (ck::CK_MECHANISM_TYPE, &'static str),
    param: ParamKind,
    derive: fn(&Derivation<'_>, &Params) -> Result<Vec<Derived>>,
    vectors: &'static str,
) -> Descriptor {
    row(name, ANY_SECRET, SIZES, param, Derive::Objects(Base::Key, derive), false, vectors)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Counter,
    Feedback,
    DoublePipeline,
}

/// A key to be made.
struct Planned {
    object: Attributes,
    len: usize,
}

fn plan(derivation: &Derivation<'_>, template: &Template, inherit: Inherit) -> Result<Planned> {
    let object = derivation.plan(template, inherit)?;
    let len = any_len(material::wanted_len(&object)?)?;
    Ok(Planned { object, len })
}

fn derive(mode: Mode, derivation: &Derivation<'_>, params: &Params) -> Result<Vec<Derived>> {
    let params = structure!(params, Sp800108)?;
    let prf = PrfKind::of(params.prf)?;
    let inherit = prf.inherit(!derivation.others.is_empty(), Inherit::Omitted);
    let mut keys = vec![plan(derivation, derivation.template, inherit)?];
    for (at, additional) in params.additional.iter().enumerate() {
        keys.push(plan(derivation, &additional.template, inherit).inspect_err(|_| blame(params, at + 1))?);
    }

    let blocks: usize = keys.iter().map(|key| key.len.div_ceil(prf.len())).sum();
    let input = Input::new(mode, derivation, params, length_bits(&keys), blocks * prf.len() * 8)?;
    let mut output = Blocks::new(mode, &input, prf.with_key(derivation.base.key)?, &params.iv)?;
    if u64::try_from(blocks).map_or(true, |blocks| blocks > input.most_blocks()) {
        return Err(Error::new(ErrorKind::KeySizeRange, "the counter is too narrow for keys of this length"));
    }

    let mut derived = Vec::with_capacity(keys.len());
    for (at, Planned { mut object, len }) in keys.into_iter().enumerate() {
        let value = output.take(len)?;
        material::fill_secret(&mut object, value).inspect_err(|_| blame(params, at))?;
        let place = at.checked_sub(1).and_then(|at| params.additional.get(at));
        derived.push(Derived { object, handle: place.map(|place| place.handle.clone()) });
    }
    Ok(derived)
}

/// Tells the caller which of its templates was to blame; the first is C_DeriveKey's own.
fn blame(params: &Sp800108, key: usize) {
    if let Some(additional) = key.checked_sub(1).and_then(|at| params.additional.get(at)) {
        additional.handle.put(ck::CK_INVALID_HANDLE);
    }
}

fn length_bits(keys: &[Planned]) -> usize {
    keys.iter().map(|key| key.len * 8).sum()
}

/// A piece of the PRF's input.
enum Piece<'a> {
    /// The same in every block.
    Fixed(&'a [u8]),
    /// The same in every block: the length of everything derived.
    Length(Vec<u8>),
    /// The block before this one, or A(i).
    Chain,
    /// The number of the block.
    Counter(NumberFormat),
}

/// The PRF's input as the caller laid it out.
struct Input<'a>(Vec<Piece<'a>>);

impl<'a> Input<'a> {
    /// `keys` and `segments` are the bits of all keys, and of all of the PRF's output.
    fn new(
        mode: Mode,
        derivation: &'a Derivation<'_>,
        params: &'a Sp800108,
        keys: usize,
        segments: usize,
    ) -> Result<Input<'a>> {
        let (mut iterations, mut counters, mut lengths, mut others) = (0, 0, 0, 0);
        let mut pieces = Vec::with_capacity(params.segments.len());
        for segment in &params.segments {
            pieces.push(match segment {
                Segment::Iteration(format) => {
                    iterations += 1;
                    match (mode, format) {
                        (Mode::Counter, Some(format)) => Piece::Counter(counter(*format)?),
                        (Mode::Feedback | Mode::DoublePipeline, None) => Piece::Chain,
                        _ => {
                            return Err(invalid(
                                "SP 800-108: the iteration variable has a format, or has none",
                            ));
                        }
                    }
                }
                Segment::Counter(_) if mode == Mode::Counter => {
                    return Err(invalid(
                        "SP 800-108: the counter mode has no counter but its iteration variable",
                    ));
                }
                Segment::Counter(format) => {
                    counters += 1;
                    Piece::Counter(counter(*format)?)
                }
                Segment::Length { method, format } => {
                    lengths += 1;
                    let bits = match *method {
                        ck::CK_SP800_108_DKM_LENGTH_SUM_OF_KEYS => keys,
                        ck::CK_SP800_108_DKM_LENGTH_SUM_OF_SEGMENTS => segments,
                        _ => return Err(invalid("SP 800-108: dkmLengthMethod is neither of the two")),
                    };
                    Piece::Length(number(u64::try_from(bits).unwrap_or(u64::MAX), *format)?)
                }
                Segment::Bytes(bytes) if bytes.is_empty() => {
                    return Err(invalid("SP 800-108: a byte array is empty"));
                }
                Segment::Bytes(bytes) => Piece::Fixed(bytes),
                Segment::Key(_) => {
                    others += 1;
                    Piece::Fixed(derivation.other(others - 1)?)
                }
            });
        }
        match (iterations, counters, lengths) {
            (1, 0 | 1, 0 | 1) => Ok(Input(pieces)),
            (0, ..) => Err(invalid("SP 800-108: the iteration variable is missing")),
            _ => Err(invalid("SP 800-108: a data parameter is there twice")),
        }
    }

    /// How many blocks there are numbers for.
    fn most_blocks(&self) -> u64 {
        let widths = self.0.iter().filter_map(|piece| match piece {
            Piece::Counter(format) => Some(format.bits),
            _ => None,
        });
        (1 << widths.chain([32]).min().unwrap_or(32)) - 1
    }

    /// The input of a block; without a number that of the double pipeline's IV, which leaves out what changes.
    fn write(&self, chain: &[u8], block: Option<u32>) -> Result<Zeroizing<Vec<u8>>> {
        let mut input = Zeroizing::new(Vec::new());
        for piece in &self.0 {
            let number;
            let bytes = match (piece, block) {
                (Piece::Fixed(bytes), _) => *bytes,
                (Piece::Length(bytes), _) => bytes,
                (Piece::Chain, Some(_)) => chain,
                (Piece::Counter(format), Some(block)) => {
                    number = self::number(u64::from(block), *format)?;
                    &number
                }
                (Piece::Chain | Piece::Counter(_), None) => &[],
            };
            input.try_reserve(bytes.len()).map_err(|_| ErrorKind::HostMemory)?;
            input.extend_from_slice(bytes);
        }
        Ok(input)
    }
}

/// A counter's format: the widths of SP 800-108, 8 to 32 bits.
fn counter(format: NumberFormat) -> Result<NumberFormat> {
    match format.bits {
        8 | 16 | 24 | 32 => Ok(format),
        _ => Err(invalid("SP 800-108: a counter has 8, 16, 24 or 32 bits")),
    }
}

/// A number as its format writes it.
fn number(value: u64, format: NumberFormat) -> Result<Vec<u8>> {
    if !matches!(format.bits, 8 | 16 | 24 | 32 | 40 | 48 | 56 | 64) {
        return Err(invalid("SP 800-108: a number has 8 to 64 bits in whole bytes"));
    }
    let width = length(format.bits / 8);
    let value = value.to_be_bytes();
    let (high, low) = value.split_at_checked(value.len() - width).unwrap_or_default();
    if high.iter().any(|byte| *byte != 0) {
        return Err(invalid("SP 800-108: a number does not fit into its width"));
    }
    let mut bytes = low.to_vec();
    if format.little_endian {
        bytes.reverse();
    }
    Ok(bytes)
}

/// The blocks of output, one after the other.
struct Blocks<'a> {
    mode: Mode,
    input: &'a Input<'a>,
    prf: Prf,
    made: u32,
    /// Feedback: the last block, at first the IV. Double pipeline: A(i), at first the IV made of the fixed input.
    chain: Zeroizing<Vec<u8>>,
}

impl<'a> Blocks<'a> {
    fn new(mode: Mode, input: &'a Input<'a>, prf: Prf, iv: &[u8]) -> Result<Blocks<'a>> {
        let chain = match mode {
            Mode::Counter => Zeroizing::default(),
            Mode::Feedback => Zeroizing::new(iv.to_vec()),
            Mode::DoublePipeline => input.write(&[], None)?,
        };
        Ok(Blocks { mode, input, prf, made: 0, chain })
    }

    fn next(&mut self) -> Result<DigestValue> {
        self.made += 1;
        if self.mode == Mode::DoublePipeline {
            self.chain = Zeroizing::new(self.prf.of(&[&self.chain])?.to_vec());
        }
        let block = self.prf.of(&[&self.input.write(&self.chain, Some(self.made))?])?;
        if self.mode == Mode::Feedback {
            self.chain = Zeroizing::new(block.to_vec());
        }
        Ok(block)
    }

    /// The next key: whole blocks, cut at the end.
    fn take(&mut self, len: usize) -> Result<SecretBytes> {
        let mut key = zeroed(len)?;
        let mut rest = &mut key[..];
        while !rest.is_empty() {
            let block = self.next()?;
            let (now, later) = rest.split_at_mut(block.len().min(rest.len()));
            now.iter_mut().zip(block.iter()).for_each(|(to, from)| *to = *from);
            rest = later;
        }
        Ok(key)
    }
}

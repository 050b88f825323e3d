//! SHA-1 and SHA-2 in contexts whose state can be taken out and put back, which aws-lc-rs's cannot.
//!
//! AWS-LC's contexts are plain C structures with public fields: chaining value, length, and the bytes of the block that
//! is not full yet.

use super::sys;
use super::{DigestValue, Hash};
use crate::types::SecretBytes;
use std::ffi::{c_int, c_uint, c_void};
use zeroize::Zeroize;

/// The functions of one hash.
struct Functions<C: 'static> {
    hash: Hash,
    init: unsafe extern "C" fn(*mut C) -> c_int,
    update: unsafe extern "C" fn(*mut C, *const c_void, usize) -> c_int,
    finish: unsafe extern "C" fn(*mut u8, *mut C) -> c_int,
}

/// A context's fields.
trait Context: Copy + 'static {
    /// All fields zero.
    const ZERO: Self;
    /// Every hash that works in such a context.
    const FUNCTIONS: &'static [Functions<Self>];
    /// Chaining value and length.
    fn numbers(&self) -> Vec<u64>;
    /// The bytes that wait for a full block.
    fn tail(&self) -> &[u8];
    /// Puts both back. `None` for what no context of this type holds.
    fn load(&mut self, numbers: &[u64], tail: &[u8]) -> Option<()>;
    fn wipe(&mut self);
}

macro_rules! context {
    ($type:ty, $word:ty, $words:literal, $block:literal, $data:ident, { $($extra:ident),* }, [
        $($hash:ident: $init:ident $update:ident $finish:ident),*
    ]) => {
        impl Context for $type {
            const ZERO: Self = Self { h: [0; $words], Nl: 0, Nh: 0, $data: [0; $block], num: 0, $($extra: 0),* };
            const FUNCTIONS: &'static [Functions<Self>] = &[$(Functions {
                hash: Hash::$hash,
                init: sys::$init,
                update: sys::$update,
                finish: sys::$finish,
            }),*];

            fn numbers(&self) -> Vec<u64> {
                self.h.iter().chain([&self.Nl, &self.Nh]).map(|word| u64::from(*word)).collect()
            }

            fn tail(&self) -> &[u8] {
                let len = usize::try_from(self.num).unwrap_or_default();
                self.$data.get(..len).unwrap_or_default()
            }

            fn load(&mut self, numbers: &[u64], tail: &[u8]) -> Option<()> {
                let (state, [low, high]) = numbers.split_last_chunk::<2>()?;
                if state.len() != self.h.len() || tail.len() >= self.$data.len() {
                    return None;
                }
                for (to, from) in self.h.iter_mut().zip(state) {
                    *to = <$word>::try_from(*from).ok()?;
                }
                (self.Nl, self.Nh) = (<$word>::try_from(*low).ok()?, <$word>::try_from(*high).ok()?);
                self.$data.get_mut(..tail.len())?.copy_from_slice(tail);
                self.num = c_uint::try_from(tail.len()).ok()?;
                Some(())
            }

            fn wipe(&mut self) {
                self.h.zeroize();
                self.$data.zeroize();
            }
        }
    };
}

context!(sys::SHA_CTX, u32, 5, 64, data, {}, [Sha1: SHA1_Init SHA1_Update SHA1_Final]);
context!(sys::SHA256_CTX, u32, 8, 64, data, { md_len }, [
    Sha224: SHA224_Init SHA224_Update SHA224_Final,
    Sha256: SHA256_Init SHA256_Update SHA256_Final
]);
context!(sys::SHA512_CTX, u64, 8, 128, p, { md_len }, [
    Sha384: SHA384_Init SHA384_Update SHA384_Final,
    Sha512: SHA512_Init SHA512_Update SHA512_Final,
    Sha512_224: SHA512_224_Init SHA512_224_Update SHA512_224_Final,
    Sha512_256: SHA512_256_Init SHA512_256_Update SHA512_256_Final
]);

/// A message so far, in a context that its hash's `init` has filled.
#[derive(Clone)]
struct Running<C: Context> {
    functions: &'static Functions<C>,
    context: C,
}

impl<C: Context> Drop for Running<C> {
    fn drop(&mut self) {
        self.context.wipe();
    }
}

impl<C: Context> Running<C> {
    fn new(hash: Hash) -> Option<Self> {
        let functions = C::FUNCTIONS.iter().find(|functions| functions.hash == hash)?;
        let mut context = C::ZERO;
        // SAFETY: a context of the function's own type, which it fills.
        unsafe { (functions.init)(&raw mut context) };
        Some(Running { functions, context })
    }

    fn update(&mut self, part: &[u8]) {
        // SAFETY: a context that `init` has filled; AWS-LC reads `part`.
        unsafe { (self.functions.update)(&raw mut self.context, part.as_ptr().cast(), part.len()) };
    }

    fn finish(mut self) -> DigestValue {
        let mut out = [0; crate::crypto::MAX_DIGEST_LEN];
        // SAFETY: a context that `init` has filled; AWS-LC writes as many bytes as the hash has, `out` has the most.
        unsafe { (self.functions.finish)(out.as_mut_ptr(), &raw mut self.context) };
        DigestValue::new(out.get(..self.functions.hash.len()).unwrap_or_default())
    }

    /// Chaining value and length as big-endian numbers of eight bytes, then the bytes that wait.
    fn save(&self) -> SecretBytes {
        let numbers = self.context.numbers();
        let mut saved: Vec<u8> = Vec::with_capacity(8 * numbers.len() + self.context.tail().len());
        saved.extend(numbers.into_iter().flat_map(u64::to_be_bytes));
        saved.extend_from_slice(self.context.tail());
        SecretBytes::from(saved)
    }

    fn restore(hash: Hash, saved: &[u8]) -> Option<Self> {
        let mut running = Self::new(hash)?;
        let (numbers, tail) = saved.split_at_checked(8 * running.context.numbers().len())?;
        let numbers: Vec<u64> = numbers
            .chunks_exact(8)
            .map(|bytes| bytes.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
            .collect();
        running.context.load(&numbers, tail)?;
        Some(running)
    }
}

/// A running SHA-1 or SHA-2.
#[derive(Clone)]
pub(in crate::crypto::aws_lc) struct Sha(Of);

#[derive(Clone)]
enum Of {
    One(Running<sys::SHA_CTX>),
    Small(Running<sys::SHA256_CTX>),
    Large(Running<sys::SHA512_CTX>),
}

macro_rules! each {
    ($of:expr, $running:ident => $do:expr) => {
        match $of {
            Of::One($running) => $do,
            Of::Small($running) => $do,
            Of::Large($running) => $do,
        }
    };
}

impl Sha {
    /// An empty message; `None` for a hash of another family.
    pub(in crate::crypto::aws_lc) fn new(hash: Hash) -> Option<Sha> {
        let one = || Running::new(hash).map(Of::One);
        let small = || Running::new(hash).map(Of::Small);
        let large = || Running::new(hash).map(Of::Large);
        one().or_else(small).or_else(large).map(Sha)
    }

    /// Appends to the message.
    pub(in crate::crypto::aws_lc) fn update(&mut self, part: &[u8]) {
        each!(&mut self.0, running => running.update(part));
    }

    /// The digest.
    pub(in crate::crypto::aws_lc) fn finish(self) -> DigestValue {
        each!(self.0, running => running.finish())
    }

    /// The state: what [`Sha::restore`] takes. As secret as the message.
    pub(in crate::crypto::aws_lc) fn save(&self) -> SecretBytes {
        each!(&self.0, running => running.save())
    }

    /// The message that was saved; `None` for what [`Sha::save`] did not make.
    pub(in crate::crypto::aws_lc) fn restore(hash: Hash, saved: &[u8]) -> Option<Sha> {
        let one = || Running::restore(hash, saved).map(Of::One);
        let small = || Running::restore(hash, saved).map(Of::Small);
        let large = || Running::restore(hash, saved).map(Of::Large);
        one().or_else(small).or_else(large).map(Sha)
    }
}

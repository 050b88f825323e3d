//! The hashes of AWS-LC that aws-lc-rs leaves out, in contexts that need no memory of their own.

use super::sys;

/// Declares a running hash over one of AWS-LC's context structures.
macro_rules! running {
    ($(#[$doc:meta])* $name:ident, $context:ident, $len:expr, $init:ident, $update:ident, $finish:ident) => {
        $(#[$doc])*
        #[derive(Clone)]
        pub(in crate::crypto::aws_lc) struct $name(sys::$context);

        impl $name {
            /// An empty message.
            pub(in crate::crypto::aws_lc) fn new() -> $name {
                // SAFETY: plain numbers and bytes, for which zero is a value.
                let mut context: sys::$context = unsafe { std::mem::zeroed() };
                // SAFETY: a live context, which the call writes; it has no way to fail.
                unsafe { sys::$init(&mut context) };
                $name(context)
            }

            /// Appends to the message.
            pub(in crate::crypto::aws_lc) fn update(&mut self, part: &[u8]) {
                // SAFETY: a context that was started; AWS-LC reads `part`. It has no way to fail.
                unsafe { sys::$update(&mut self.0, part.as_ptr().cast(), part.len()) };
            }

            /// The digest of the message.
            pub(in crate::crypto::aws_lc) fn finish(mut self) -> [u8; $len] {
                let mut digest = [0; $len];
                // SAFETY: a context that was started; AWS-LC writes as many bytes as the hash has, which `digest` has.
                // It fails only where the context is of another hash.
                unsafe { sys::$finish(digest.as_mut_ptr(), &mut self.0) };
                digest
            }
        }

        impl Drop for $name {
            fn drop(&mut self) {
                let context: *mut sys::$context = &mut self.0;
                // SAFETY: the context is ours, of plain numbers and bytes, and nothing uses it afterwards.
                unsafe { sys::OPENSSL_cleanse(context.cast(), size_of::<sys::$context>()) }
            }
        }
    };
}

running!(
    /// MD5.
    Md5, MD5_CTX, 16, MD5_Init, MD5_Update, MD5_Final
);

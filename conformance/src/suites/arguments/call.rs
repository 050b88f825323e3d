//! A call as data: the arguments of a function by what they mean, lowered to the words of the C ABI.

use std::ffi::c_void;

use cryptoki_sys::*;

use crate::{Attr, Mech, Module, Object, RawTemplate, Rv, answers, rv, size, ulen};

/// One argument, or a pair of pointer and length that belong together.
pub enum Arg {
    /// The handle of the session.
    Session,
    /// A number.
    Value(CK_ULONG),
    /// An address and a length to read: two words.
    In(Vec<u8>),
    /// The same where a null pointer says that there is more to come.
    LastIn(Vec<u8>),
    /// A buffer and the address of its length: two words.
    Out(usize),
    /// The same where a null pointer to the length says that no output is wanted.
    LastOut(usize),
    /// A buffer and its length: two words.
    Fill(usize),
    /// The address of so many words that the call fills.
    Place(usize),
    /// A mechanism; the second is one that is no mechanism for this function.
    Mechanism(Mech, CK_MECHANISM_TYPE),
    /// A mechanism of which no parameter is asked, and one that is no mechanism for this function.
    Message(CK_MECHANISM_TYPE, CK_MECHANISM_TYPE),
    /// A message's parameter: two words.
    Parameter(Mech),
    /// A template that describes a new object: two words.
    Template(Vec<Attr>),
    /// A template that describes changes or what to search for: two words.
    Search(Vec<Attr>),
    /// An attribute to read: two words.
    Wanted(CK_ATTRIBUTE_TYPE, usize),
    /// An object.
    Object(Object),
    /// A key.
    Key(KeyArg),
}

/// A key, and what is no key for this use.
#[derive(Clone, Copy)]
pub struct KeyArg {
    /// The key.
    pub key: Object,
    /// A key of another type, and what is said of it.
    pub other: Option<(Object, &'static [CK_RV])>,
    /// A key of this type that may not be used so.
    pub denied: Option<Object>,
    /// What is said of a handle that is no key's.
    pub invalid: CK_RV,
}

/// The words of one call, and what they point to.
#[derive(Default)]
pub struct Lowered {
    words: Vec<usize>,
    /// For each [`Arg`] the index of its first word.
    starts: Vec<usize>,
    lengths: Vec<Vec<CK_ULONG>>,
    buffers: Vec<Vec<u8>>,
    mechanisms: Vec<Vec<CK_MECHANISM>>,
    attributes: Vec<Vec<CK_ATTRIBUTE>>,
}

impl Lowered {
    /// Lowers `arguments` for a call in `session`. They must live as long as the result is used.
    pub fn new(arguments: &[Arg], session: CK_SESSION_HANDLE) -> Self {
        Self::with(arguments, None, session)
    }

    /// The same with the argument of an index replaced by another.
    pub fn with(arguments: &[Arg], replaced: Option<(usize, &Arg)>, session: CK_SESSION_HANDLE) -> Self {
        let mut this = Self::default();
        for (index, argument) in arguments.iter().enumerate() {
            this.starts.push(this.words.len());
            match replaced {
                Some((other, instead)) if other == index => this.push(instead, session),
                _ => this.push(argument, session),
            }
        }
        this
    }

    fn push(&mut self, argument: &Arg, session: CK_SESSION_HANDLE) {
        match argument {
            Arg::Session => self.words.push(size(session)),
            Arg::Value(value) | Arg::Object(value) => self.words.push(size(*value)),
            Arg::Key(key) => self.words.push(size(key.key)),
            Arg::In(bytes) | Arg::LastIn(bytes) => {
                let copy = bytes.clone();
                self.bytes(copy);
                self.words.push(bytes.len());
            }
            Arg::Out(room) | Arg::LastOut(room) => {
                self.bytes(vec![0; *room]);
                let mut length = vec![ulen(*room)];
                self.words.push(length.as_mut_ptr() as usize);
                self.lengths.push(length);
            }
            Arg::Fill(room) => {
                self.bytes(vec![0; *room]);
                self.words.push(*room);
            }
            Arg::Place(words) => self.bytes(vec![0; *words * size_of::<CK_ULONG>()]),
            Arg::Mechanism(mech, _) => self.mechanism(mech.raw()),
            Arg::Message(kind, _) => self.mechanism(Mech::new(*kind).raw()),
            Arg::Parameter(mech) => {
                let (pointer, length) = mech.parameter();
                self.words.extend([pointer as usize, size(length)]);
            }
            Arg::Template(attributes) | Arg::Search(attributes) => {
                let mut raw = RawTemplate::new(attributes);
                self.attributes(raw.attributes_mut().to_vec());
            }
            Arg::Wanted(kind, room) => {
                let mut buffer = vec![0_u8; *room];
                let pointer = buffer.as_mut_ptr().cast::<c_void>();
                self.buffers.push(buffer);
                self.attributes(vec![CK_ATTRIBUTE {
                    type_: *kind,
                    pValue: pointer,
                    ulValueLen: ulen(*room),
                }]);
            }
        }
    }

    fn bytes(&mut self, mut buffer: Vec<u8>) {
        // An empty buffer has an address too: null is what a fault puts there.
        buffer.reserve(1);
        self.words.push(buffer.as_mut_ptr() as usize);
        self.buffers.push(buffer);
    }

    fn mechanism(&mut self, mechanism: CK_MECHANISM) {
        let mut mechanism = vec![mechanism];
        self.words.push(mechanism.as_mut_ptr() as usize);
        self.mechanisms.push(mechanism);
    }

    fn attributes(&mut self, mut attributes: Vec<CK_ATTRIBUTE>) {
        self.words.extend([attributes.as_mut_ptr() as usize, attributes.len()]);
        self.attributes.push(attributes);
    }

    /// Gives a word of an argument another value.
    pub fn set(&mut self, argument: usize, word: usize, value: usize) {
        let index = self.starts.get(argument).map(|start| start + word);
        if let Some(target) = index.and_then(|index| self.words.get_mut(index)) {
            *target = value;
        }
    }

    /// Sets every word to 0 but the first, which is the session.
    pub fn zero(&mut self) {
        self.words.iter_mut().skip(1).for_each(|word| *word = 0);
    }

    /// Puts the first value of a template at a null pointer, and leaves its length.
    pub fn null_value(&mut self, argument: usize) {
        let address = self.starts.get(argument).and_then(|start| self.words.get(*start)).copied();
        let list = self.attributes.iter_mut().find(|list| Some(list.as_ptr() as usize) == address);
        if let Some(attribute) = list.and_then(|list| list.first_mut()) {
            attribute.pValue = std::ptr::null_mut();
        }
    }

    /// The room that the output's length says before the call.
    pub fn set_length(&mut self, room: CK_ULONG) {
        self.lengths.iter_mut().flatten().for_each(|length| *length = room);
    }

    /// What the call left in the output's length; 0 where it has no output.
    pub fn length(&self) -> CK_ULONG {
        self.lengths.first().and_then(|length| length.first()).copied().unwrap_or_default()
    }

    /// Makes the call.
    pub fn call(&self, module: &Module, function: &'static str) -> Rv {
        let Some(address) = address(module.functions(), function) else {
            return Rv(CKR_FUNCTION_NOT_SUPPORTED);
        };
        rv::calling(function);
        answers::note(function, Rv(invoke(address, &self.words)))
    }
}

/// The most words that a function of the API takes.
const WORDS: usize = 10;

/// Calls a function of the table by its address.
fn invoke(address: usize, words: &[usize]) -> CK_RV {
    type Any =
        unsafe extern "C" fn(usize, usize, usize, usize, usize, usize, usize, usize, usize, usize) -> CK_RV;
    let mut all = [0; WORDS];
    all.iter_mut().zip(words).for_each(|(target, word)| *target = *word);
    let [a, b, c, d, e, f, g, h, i, j] = all;
    // SAFETY: the address is that of a function of the module's table. Each of its parameters is an integer or a
    // pointer, which the C ABIs of Linux on x86-64 and AArch64 pass as one word each, in this order; words beyond
    // the callee's own are the caller's to remove. What the callee makes of them is what the test is about.
    unsafe { std::mem::transmute::<usize, Any>(address)(a, b, c, d, e, f, g, h, i, j) }
}

macro_rules! addresses {
    ($($name:ident)*) => {
        /// Where the function `name` is; `None` where the module lacks it.
        fn address(table: &CK_FUNCTION_LIST_3_2, name: &str) -> Option<usize> {
            match name {
                $(stringify!($name) => table.$name.map(|function| function as usize),)*
                _ => None,
            }
        }
    };
}

addresses! {
    C_Initialize C_Finalize C_GetInfo C_GetFunctionList C_GetSlotList C_GetSlotInfo C_GetTokenInfo
    C_GetMechanismList C_GetMechanismInfo C_InitToken C_InitPIN C_SetPIN C_OpenSession C_CloseSession
    C_CloseAllSessions C_GetSessionInfo C_GetOperationState C_SetOperationState C_Login C_Logout C_CreateObject
    C_CopyObject C_DestroyObject C_GetObjectSize C_GetAttributeValue C_SetAttributeValue C_FindObjectsInit
    C_FindObjects C_FindObjectsFinal C_EncryptInit C_Encrypt C_EncryptUpdate C_EncryptFinal C_DecryptInit
    C_Decrypt C_DecryptUpdate C_DecryptFinal C_DigestInit C_Digest C_DigestUpdate C_DigestKey C_DigestFinal
    C_SignInit C_Sign C_SignUpdate C_SignFinal C_SignRecoverInit C_SignRecover C_VerifyInit C_Verify
    C_VerifyUpdate C_VerifyFinal C_VerifyRecoverInit C_VerifyRecover C_DigestEncryptUpdate
    C_DecryptDigestUpdate C_SignEncryptUpdate C_DecryptVerifyUpdate C_GenerateKey C_GenerateKeyPair C_WrapKey
    C_UnwrapKey C_DeriveKey C_SeedRandom C_GenerateRandom C_GetFunctionStatus C_CancelFunction
    C_WaitForSlotEvent C_GetInterfaceList C_GetInterface C_LoginUser C_SessionCancel C_MessageEncryptInit
    C_EncryptMessage C_EncryptMessageBegin C_EncryptMessageNext C_MessageEncryptFinal C_MessageDecryptInit
    C_DecryptMessage C_DecryptMessageBegin C_DecryptMessageNext C_MessageDecryptFinal C_MessageSignInit
    C_SignMessage C_SignMessageBegin C_SignMessageNext C_MessageSignFinal C_MessageVerifyInit C_VerifyMessage
    C_VerifyMessageBegin C_VerifyMessageNext C_MessageVerifyFinal C_EncapsulateKey C_DecapsulateKey
    C_VerifySignatureInit C_VerifySignature C_VerifySignatureUpdate C_VerifySignatureFinal
    C_GetSessionValidationFlags C_AsyncComplete C_AsyncGetID C_AsyncJoin C_WrapKeyAuthenticated
    C_UnwrapKeyAuthenticated
}

//! The calls that the protocol has. A row says how the arguments of a C function, in their order, travel.
//!
//! A call's number is its place in the protocol's own list. The signatures are sent and compared: they name the types
//! of all values (`u` number, `y` byte, `ay` bytes, `aA` template, `M` mechanism, `s`/`z` string, `v` version, `f_`
//! room for values that the answer brings).

use Part::{
    Byte, Bytes, EventFlags, Found, Ignored, Info, LabelField, LabelString, LastOutput, List, Mechanism,
    MechanismInfo, MechanismList, Number, Output, Parameter, Query, Random, Result, SessionInfo, SlotInfo,
    Start, Template, TokenInfo,
};

/// One argument of a C function, or several that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// `pInitArgs`: the protocol's name, and the string in `pReserved`.
    Start,
    /// A number.
    Number,
    /// A `CK_BBOOL`.
    Byte,
    /// The flags of C_WaitForSlotEvent.
    EventFlags,
    /// Bytes with their length.
    Bytes,
    /// The parameter of a message function with its length.
    Parameter,
    /// A template with its count, as input.
    Template,
    /// A template with its count, to be filled.
    Query,
    /// A mechanism.
    Mechanism,
    /// A label of 32 bytes where the server adds a zero byte.
    LabelString,
    /// A label of 32 bytes.
    LabelField,
    /// An argument that does not travel.
    Ignored,
    /// Where one number goes.
    Result,
    /// A buffer, and where its length is and goes.
    Output,
    /// The same, where no place for a length has a meaning of its own.
    LastOutput,
    /// A buffer with the length that is filled.
    Random,
    /// Room for slot IDs, and where their count is and goes.
    List,
    /// The same for mechanisms.
    MechanismList,
    /// Room for handles, how many fit, and where their count goes.
    Found,
    /// A `CK_INFO`.
    Info,
    /// A `CK_SLOT_INFO`.
    SlotInfo,
    /// A `CK_TOKEN_INFO`.
    TokenInfo,
    /// A `CK_MECHANISM_INFO`.
    MechanismInfo,
    /// A `CK_SESSION_INFO`.
    SessionInfo,
}

/// One call.
#[derive(Debug)]
pub(super) struct Call {
    /// The C function.
    pub name: &'static str,
    /// The number on the wire.
    pub id: u32,
    /// The protocol's version that has it.
    pub since: u8,
    /// The types of what is sent.
    pub request: &'static str,
    /// The types of what comes back.
    pub response: &'static str,
    /// The arguments.
    pub parts: &'static [Part],
}

/// The number of an answer that is only an error.
pub(super) const ERROR: u32 = 0;
/// Its type.
pub(super) const ERROR_RESPONSE: &str = "u";

/// The call that carries `name` in this version of the protocol. The newest form wins.
pub(super) fn find(name: &str, version: u8) -> Option<&'static Call> {
    CALLS.iter().rev().find(|call| call.since <= version && call.name == name)
}

const fn row(
    name: &'static str,
    id: u32,
    since: u8,
    request: &'static str,
    response: &'static str,
    parts: &'static [Part],
) -> Call {
    Call { name, id, since, request, response, parts }
}

/// All calls, in the order of their numbers.
#[rustfmt::skip]
pub(super) static CALLS: [Call; 88] = [
    row("C_Initialize", 1, 0, "ayyay", "", &[Start]),
    row("C_Finalize", 2, 0, "", "", &[Ignored]),
    row("C_GetInfo", 3, 0, "", "vsusv", &[Info]),
    row("C_GetSlotList", 4, 0, "yfu", "au", &[Byte, List]),
    row("C_GetSlotInfo", 5, 0, "u", "ssuvv", &[Number, SlotInfo]),
    row("C_GetTokenInfo", 6, 0, "u", "ssssuuuuuuuuuuuvvs", &[Number, TokenInfo]),
    row("C_GetMechanismList", 7, 0, "ufu", "au", &[Number, MechanismList]),
    row("C_GetMechanismInfo", 8, 0, "uu", "uuu", &[Number, Number, MechanismInfo]),
    row("C_InitToken", 9, 0, "uayz", "", &[Number, Bytes, LabelString]),
    row("C_OpenSession", 10, 0, "uu", "u", &[Number, Number, Ignored, Ignored, Result]),
    row("C_CloseSession", 11, 0, "u", "", &[Number]),
    row("C_CloseAllSessions", 12, 0, "u", "", &[Number]),
    row("C_GetSessionInfo", 13, 0, "u", "uuuu", &[Number, SessionInfo]),
    row("C_InitPIN", 14, 0, "uay", "", &[Number, Bytes]),
    row("C_SetPIN", 15, 0, "uayay", "", &[Number, Bytes, Bytes]),
    row("C_GetOperationState", 16, 0, "ufy", "ay", &[Number, Output]),
    row("C_SetOperationState", 17, 0, "uayuu", "", &[Number, Bytes, Number, Number]),
    row("C_Login", 18, 0, "uuay", "", &[Number, Number, Bytes]),
    row("C_Logout", 19, 0, "u", "", &[Number]),
    row("C_CreateObject", 20, 0, "uaA", "u", &[Number, Template, Result]),
    row("C_CopyObject", 21, 0, "uuaA", "u", &[Number, Number, Template, Result]),
    row("C_DestroyObject", 22, 0, "uu", "", &[Number, Number]),
    row("C_GetObjectSize", 23, 0, "uu", "u", &[Number, Number, Result]),
    row("C_GetAttributeValue", 24, 0, "uufA", "aAu", &[Number, Number, Query]),
    row("C_SetAttributeValue", 25, 0, "uuaA", "", &[Number, Number, Template]),
    row("C_FindObjectsInit", 26, 0, "uaA", "", &[Number, Template]),
    row("C_FindObjects", 27, 0, "ufu", "au", &[Number, Found]),
    row("C_FindObjectsFinal", 28, 0, "u", "", &[Number]),
    row("C_EncryptInit", 29, 0, "uMu", "", &[Number, Mechanism, Number]),
    row("C_Encrypt", 30, 0, "uayfy", "ay", &[Number, Bytes, Output]),
    row("C_EncryptUpdate", 31, 0, "uayfy", "ay", &[Number, Bytes, Output]),
    row("C_EncryptFinal", 32, 0, "ufy", "ay", &[Number, Output]),
    row("C_DecryptInit", 33, 0, "uMu", "", &[Number, Mechanism, Number]),
    row("C_Decrypt", 34, 0, "uayfy", "ay", &[Number, Bytes, Output]),
    row("C_DecryptUpdate", 35, 0, "uayfy", "ay", &[Number, Bytes, Output]),
    row("C_DecryptFinal", 36, 0, "ufy", "ay", &[Number, Output]),
    row("C_DigestInit", 37, 0, "uM", "", &[Number, Mechanism]),
    row("C_Digest", 38, 0, "uayfy", "ay", &[Number, Bytes, Output]),
    row("C_DigestUpdate", 39, 0, "uay", "", &[Number, Bytes]),
    row("C_DigestKey", 40, 0, "uu", "", &[Number, Number]),
    row("C_DigestFinal", 41, 0, "ufy", "ay", &[Number, Output]),
    row("C_SignInit", 42, 0, "uMu", "", &[Number, Mechanism, Number]),
    row("C_Sign", 43, 0, "uayfy", "ay", &[Number, Bytes, Output]),
    row("C_SignUpdate", 44, 0, "uay", "", &[Number, Bytes]),
    row("C_SignFinal", 45, 0, "ufy", "ay", &[Number, Output]),
    row("C_SignRecoverInit", 46, 0, "uMu", "", &[Number, Mechanism, Number]),
    row("C_SignRecover", 47, 0, "uayfy", "ay", &[Number, Bytes, Output]),
    row("C_VerifyInit", 48, 0, "uMu", "", &[Number, Mechanism, Number]),
    row("C_Verify", 49, 0, "uayay", "", &[Number, Bytes, Bytes]),
    row("C_VerifyUpdate", 50, 0, "uay", "", &[Number, Bytes]),
    row("C_VerifyFinal", 51, 0, "uay", "", &[Number, Bytes]),
    row("C_VerifyRecoverInit", 52, 0, "uMu", "", &[Number, Mechanism, Number]),
    row("C_VerifyRecover", 53, 0, "uayfy", "ay", &[Number, Bytes, Output]),
    row("C_DigestEncryptUpdate", 54, 0, "uayfy", "ay", &[Number, Bytes, Output]),
    row("C_DecryptDigestUpdate", 55, 0, "uayfy", "ay", &[Number, Bytes, Output]),
    row("C_SignEncryptUpdate", 56, 0, "uayfy", "ay", &[Number, Bytes, Output]),
    row("C_DecryptVerifyUpdate", 57, 0, "uayfy", "ay", &[Number, Bytes, Output]),
    row("C_GenerateKey", 58, 0, "uMaA", "u", &[Number, Mechanism, Template, Result]),
    row("C_GenerateKeyPair", 59, 0, "uMaAaA", "uu", &[Number, Mechanism, Template, Template, Result, Result]),
    row("C_WrapKey", 60, 0, "uMuufy", "ay", &[Number, Mechanism, Number, Number, Output]),
    row("C_UnwrapKey", 61, 0, "uMuayaA", "u", &[Number, Mechanism, Number, Bytes, Template, Result]),
    row("C_DeriveKey", 62, 0, "uMuaA", "u", &[Number, Mechanism, Number, Template, Result]),
    row("C_SeedRandom", 63, 0, "uay", "", &[Number, Bytes]),
    row("C_GenerateRandom", 64, 0, "ufy", "ay", &[Number, Random]),
    row("C_WaitForSlotEvent", 65, 0, "u", "u", &[EventFlags, Result, Ignored]),
    row("C_LoginUser", 66, 1, "uuayay", "", &[Number, Number, Bytes, Bytes]),
    row("C_SessionCancel", 67, 1, "uu", "", &[Number, Number]),
    row("C_MessageEncryptInit", 68, 1, "uMu", "", &[Number, Mechanism, Number]),
    row("C_EncryptMessage", 69, 1, "uayayayfy", "ay", &[Number, Parameter, Bytes, Bytes, Output]),
    row("C_EncryptMessageBegin", 70, 1, "uayay", "", &[Number, Parameter, Bytes]),
    row("C_EncryptMessageNext", 71, 1, "uayayfyu", "ay", &[Number, Parameter, Bytes, Output, Number]),
    row("C_MessageEncryptFinal", 72, 1, "u", "", &[Number]),
    row("C_MessageDecryptInit", 73, 1, "uMu", "", &[Number, Mechanism, Number]),
    row("C_DecryptMessage", 74, 1, "uayayayfy", "ay", &[Number, Parameter, Bytes, Bytes, Output]),
    row("C_DecryptMessageBegin", 75, 1, "uayay", "", &[Number, Parameter, Bytes]),
    row("C_DecryptMessageNext", 76, 1, "uayayfyu", "ay", &[Number, Parameter, Bytes, Output, Number]),
    row("C_MessageDecryptFinal", 77, 1, "u", "", &[Number]),
    row("C_MessageSignInit", 78, 1, "uMu", "", &[Number, Mechanism, Number]),
    row("C_SignMessage", 79, 1, "uayayfy", "ay", &[Number, Parameter, Bytes, Output]),
    row("C_SignMessageBegin", 80, 1, "uay", "", &[Number, Parameter]),
    row("C_SignMessageNext", 81, 1, "uayayyfy", "ay", &[Number, Parameter, Bytes, LastOutput]),
    row("C_MessageSignFinal", 82, 1, "u", "", &[Number]),
    row("C_MessageVerifyInit", 83, 1, "uMu", "", &[Number, Mechanism, Number]),
    row("C_VerifyMessage", 84, 1, "uayayay", "", &[Number, Parameter, Bytes, Bytes]),
    row("C_VerifyMessageBegin", 85, 1, "uay", "", &[Number, Parameter]),
    row("C_VerifyMessageNext", 86, 1, "uayayay", "", &[Number, Parameter, Bytes, Bytes]),
    row("C_MessageVerifyFinal", 87, 1, "u", "", &[Number]),
    row("C_InitToken", 88, 1, "uays", "", &[Number, Bytes, LabelField]),
];

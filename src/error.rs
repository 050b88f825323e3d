//! The one error type above the crypto and store layers: which CKR, and what was wrong.
//!
//! Lower layers have error types of their own and convert upward once. The kinds below are the
//! specification's return values (PKCS#11 v3.2, section 5.1); `ErrorKind::rv` is the only place that maps them.

use std::borrow::Cow;
use std::fmt;

use cryptoki_sys as ck;

/// What a call answers: the value, or the exact CKR with its reason.
pub type Result<T> = std::result::Result<T, Error>;

/// A return value of the specification, with the reason a person needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Error {
    kind: ErrorKind,
    /// A return value that is none of the specification's.
    foreign: Option<ck::CK_RV>,
    detail: Cow<'static, str>,
}

impl Error {
    /// An error with a reason: what was wrong, where, what to do. Never put a secret into it.
    pub fn new(kind: ErrorKind, detail: impl Into<Cow<'static, str>>) -> Self {
        Error { kind, foreign: None, detail: detail.into() }
    }

    /// What another PKCS#11 library answered, to be passed on exactly, vendor-defined values too. Not for CKR_OK.
    pub fn from_below(rv: ck::CK_RV, detail: impl Into<Cow<'static, str>>) -> Self {
        let known = ErrorKind::from_rv(rv);
        let foreign = if known.is_none() { Some(rv) } else { None };
        Error { kind: known.unwrap_or(ErrorKind::FunctionFailed), foreign, detail: detail.into() }
    }

    /// Which of the specification's return values this is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The `CK_RV` that crosses the ABI.
    pub fn rv(&self) -> ck::CK_RV {
        self.foreign.unwrap_or_else(|| self.kind.rv())
    }

    /// What was wrong, for the log; empty where the kind says it all.
    pub fn detail(&self) -> &str {
        &self.detail
    }

    /// The same reason under another return value: for the few calls whose list of return values differs.
    pub fn with_kind(self, kind: ErrorKind) -> Self {
        Error { kind, foreign: None, ..self }
    }
}

impl From<ErrorKind> for Error {
    fn from(kind: ErrorKind) -> Self {
        Error { kind, foreign: None, detail: Cow::Borrowed("") }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.foreign {
            None => f.write_str(self.kind.name())?,
            Some(rv) => write!(f, "CKR {rv:#x}")?,
        }
        match self.detail.is_empty() {
            true => Ok(()),
            false => write!(f, ": {}", self.detail),
        }
    }
}

impl std::error::Error for Error {}

macro_rules! error_kinds {
    ($($variant:ident = $name:ident),* $(,)?) => {
        /// The specification's return values other than CKR_OK, one variant each.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[allow(missing_docs)]
        pub enum ErrorKind { $($variant),* }

        impl ErrorKind {
            /// The value that crosses the ABI.
            pub fn rv(self) -> ck::CK_RV {
                match self { $(ErrorKind::$variant => ck::$name),* }
            }

            /// The specification's name, `CKR_...`.
            pub fn name(self) -> &'static str {
                match self { $(ErrorKind::$variant => stringify!($name)),* }
            }

            /// The kind behind a `CK_RV` from another library; `None` for CKR_OK and unknown values.
            pub fn from_rv(rv: ck::CK_RV) -> Option<Self> {
                match rv { $(ck::$name => Some(ErrorKind::$variant),)* _ => None }
            }
        }
    };
}

error_kinds! {
    Cancel = CKR_CANCEL,
    HostMemory = CKR_HOST_MEMORY,
    SlotIdInvalid = CKR_SLOT_ID_INVALID,
    GeneralError = CKR_GENERAL_ERROR,
    FunctionFailed = CKR_FUNCTION_FAILED,
    ArgumentsBad = CKR_ARGUMENTS_BAD,
    NoEvent = CKR_NO_EVENT,
    NeedToCreateThreads = CKR_NEED_TO_CREATE_THREADS,
    CantLock = CKR_CANT_LOCK,
    AttributeReadOnly = CKR_ATTRIBUTE_READ_ONLY,
    AttributeSensitive = CKR_ATTRIBUTE_SENSITIVE,
    AttributeTypeInvalid = CKR_ATTRIBUTE_TYPE_INVALID,
    AttributeValueInvalid = CKR_ATTRIBUTE_VALUE_INVALID,
    ActionProhibited = CKR_ACTION_PROHIBITED,
    DataInvalid = CKR_DATA_INVALID,
    DataLenRange = CKR_DATA_LEN_RANGE,
    DeviceError = CKR_DEVICE_ERROR,
    DeviceMemory = CKR_DEVICE_MEMORY,
    DeviceRemoved = CKR_DEVICE_REMOVED,
    EncryptedDataInvalid = CKR_ENCRYPTED_DATA_INVALID,
    EncryptedDataLenRange = CKR_ENCRYPTED_DATA_LEN_RANGE,
    AeadDecryptFailed = CKR_AEAD_DECRYPT_FAILED,
    FunctionCanceled = CKR_FUNCTION_CANCELED,
    FunctionNotParallel = CKR_FUNCTION_NOT_PARALLEL,
    FunctionNotSupported = CKR_FUNCTION_NOT_SUPPORTED,
    KeyHandleInvalid = CKR_KEY_HANDLE_INVALID,
    KeySizeRange = CKR_KEY_SIZE_RANGE,
    KeyTypeInconsistent = CKR_KEY_TYPE_INCONSISTENT,
    KeyNotNeeded = CKR_KEY_NOT_NEEDED,
    KeyChanged = CKR_KEY_CHANGED,
    KeyNeeded = CKR_KEY_NEEDED,
    KeyIndigestible = CKR_KEY_INDIGESTIBLE,
    KeyFunctionNotPermitted = CKR_KEY_FUNCTION_NOT_PERMITTED,
    KeyNotWrappable = CKR_KEY_NOT_WRAPPABLE,
    KeyUnextractable = CKR_KEY_UNEXTRACTABLE,
    MechanismInvalid = CKR_MECHANISM_INVALID,
    MechanismParamInvalid = CKR_MECHANISM_PARAM_INVALID,
    ObjectHandleInvalid = CKR_OBJECT_HANDLE_INVALID,
    OperationActive = CKR_OPERATION_ACTIVE,
    OperationNotInitialized = CKR_OPERATION_NOT_INITIALIZED,
    PinIncorrect = CKR_PIN_INCORRECT,
    PinInvalid = CKR_PIN_INVALID,
    PinLenRange = CKR_PIN_LEN_RANGE,
    PinExpired = CKR_PIN_EXPIRED,
    PinLocked = CKR_PIN_LOCKED,
    SessionClosed = CKR_SESSION_CLOSED,
    SessionCount = CKR_SESSION_COUNT,
    SessionHandleInvalid = CKR_SESSION_HANDLE_INVALID,
    SessionParallelNotSupported = CKR_SESSION_PARALLEL_NOT_SUPPORTED,
    SessionReadOnly = CKR_SESSION_READ_ONLY,
    SessionExists = CKR_SESSION_EXISTS,
    SessionReadOnlyExists = CKR_SESSION_READ_ONLY_EXISTS,
    SessionReadWriteSoExists = CKR_SESSION_READ_WRITE_SO_EXISTS,
    SignatureInvalid = CKR_SIGNATURE_INVALID,
    SignatureLenRange = CKR_SIGNATURE_LEN_RANGE,
    TemplateIncomplete = CKR_TEMPLATE_INCOMPLETE,
    TemplateInconsistent = CKR_TEMPLATE_INCONSISTENT,
    TokenNotPresent = CKR_TOKEN_NOT_PRESENT,
    TokenNotRecognized = CKR_TOKEN_NOT_RECOGNIZED,
    TokenWriteProtected = CKR_TOKEN_WRITE_PROTECTED,
    UnwrappingKeyHandleInvalid = CKR_UNWRAPPING_KEY_HANDLE_INVALID,
    UnwrappingKeySizeRange = CKR_UNWRAPPING_KEY_SIZE_RANGE,
    UnwrappingKeyTypeInconsistent = CKR_UNWRAPPING_KEY_TYPE_INCONSISTENT,
    UserAlreadyLoggedIn = CKR_USER_ALREADY_LOGGED_IN,
    UserNotLoggedIn = CKR_USER_NOT_LOGGED_IN,
    UserPinNotInitialized = CKR_USER_PIN_NOT_INITIALIZED,
    UserTypeInvalid = CKR_USER_TYPE_INVALID,
    UserAnotherAlreadyLoggedIn = CKR_USER_ANOTHER_ALREADY_LOGGED_IN,
    UserTooManyTypes = CKR_USER_TOO_MANY_TYPES,
    WrappedKeyInvalid = CKR_WRAPPED_KEY_INVALID,
    WrappedKeyLenRange = CKR_WRAPPED_KEY_LEN_RANGE,
    WrappingKeyHandleInvalid = CKR_WRAPPING_KEY_HANDLE_INVALID,
    WrappingKeySizeRange = CKR_WRAPPING_KEY_SIZE_RANGE,
    WrappingKeyTypeInconsistent = CKR_WRAPPING_KEY_TYPE_INCONSISTENT,
    RandomSeedNotSupported = CKR_RANDOM_SEED_NOT_SUPPORTED,
    RandomNoRng = CKR_RANDOM_NO_RNG,
    DomainParamsInvalid = CKR_DOMAIN_PARAMS_INVALID,
    CurveNotSupported = CKR_CURVE_NOT_SUPPORTED,
    BufferTooSmall = CKR_BUFFER_TOO_SMALL,
    SavedStateInvalid = CKR_SAVED_STATE_INVALID,
    InformationSensitive = CKR_INFORMATION_SENSITIVE,
    StateUnsaveable = CKR_STATE_UNSAVEABLE,
    CryptokiNotInitialized = CKR_CRYPTOKI_NOT_INITIALIZED,
    CryptokiAlreadyInitialized = CKR_CRYPTOKI_ALREADY_INITIALIZED,
    MutexBad = CKR_MUTEX_BAD,
    MutexNotLocked = CKR_MUTEX_NOT_LOCKED,
    ExceededMaxIterations = CKR_EXCEEDED_MAX_ITERATIONS,
    FipsSelfTestFailed = CKR_FIPS_SELF_TEST_FAILED,
    LibraryLoadFailed = CKR_LIBRARY_LOAD_FAILED,
    PinTooWeak = CKR_PIN_TOO_WEAK,
    PublicKeyInvalid = CKR_PUBLIC_KEY_INVALID,
    FunctionRejected = CKR_FUNCTION_REJECTED,
    TokenResourceExceeded = CKR_TOKEN_RESOURCE_EXCEEDED,
    OperationCancelFailed = CKR_OPERATION_CANCEL_FAILED,
    KeyExhausted = CKR_KEY_EXHAUSTED,
    Pending = CKR_PENDING,
    SessionAsyncNotSupported = CKR_SESSION_ASYNC_NOT_SUPPORTED,
    SeedRandomRequired = CKR_SEED_RANDOM_REQUIRED,
    OperationNotValidated = CKR_OPERATION_NOT_VALIDATED,
    TokenNotInitialized = CKR_TOKEN_NOT_INITIALIZED,
    ParameterSetNotSupported = CKR_PARAMETER_SET_NOT_SUPPORTED,
}

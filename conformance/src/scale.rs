//! What `keyward-scale` measures, as it stands in its JSON and as `keyward-charts` reads it.

use serde::{Deserialize, Serialize};

/// One module on one machine.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The module's name.
    pub module: String,
    /// The day of the measurement, `YYYY-MM-DD`.
    pub date: String,
    /// The processor's name.
    pub cpu: String,
    /// How many threads run at once.
    pub cores: usize,
    /// A row per number of objects, growing.
    pub sizes: Vec<Size>,
    /// A row per number of threads.
    pub threads: Vec<Threads>,
}

/// What a token with so many objects costs. Times are medians.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Size {
    /// AES-256 keys in the token, beside the key pair that signs.
    pub objects: u32,
    /// C_CreateObject calls per second in one session while the token grew from the row before, not synchronized with
    /// the disk where the module can be told so; not measured where it grew by few.
    pub created_per_second: Option<f64>,
    /// The same with the module's default durability.
    pub durable_per_second: f64,
    /// C_Initialize, in milliseconds.
    pub initialize_ms: f64,
    /// From there to an open session: C_GetSlotList, C_GetTokenInfo, C_OpenSession, in milliseconds.
    pub open_ms: f64,
    /// C_Login of the user, in milliseconds.
    pub login_ms: f64,
    /// The first search by class and CKA_ID after the login, in milliseconds.
    pub first_find_ms: f64,
    /// A search by class and CKA_ID, each time for another object, in microseconds.
    pub find_id_us: f64,
    /// A search by class and CKA_LABEL, likewise.
    pub find_label_us: f64,
    /// A search that gives every object's handle, in milliseconds.
    pub find_all_ms: f64,
    /// C_SignInit and C_Sign with a P-256 key of the token, in microseconds.
    pub sign_us: f64,
    /// Resident memory over the process without the module after some thousand searches and signatures, in KiB.
    pub memory_kib: f64,
    /// The same after C_GetAttributeValue on every object; not measured in large tokens.
    pub touched_memory_kib: Option<f64>,
    /// C_GetAttributeValue on one object in that walk, in microseconds.
    pub touch_us: Option<f64>,
    /// What the token's directory holds after C_Finalize, in KiB.
    pub file_kib: f64,
}

/// P-256 signatures with one key by threads that have a session each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Threads {
    /// How many sign at once.
    pub threads: usize,
    /// Signatures per second of all together, in the best few milliseconds.
    pub signed_per_second: f64,
}

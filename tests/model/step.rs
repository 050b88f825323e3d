//! What may be done next: a plain value, so that a sequence can be replayed and cut down.

use proptest::prelude::*;

/// Which session: most numbers mean an open one, the last from [`ANY`] on mean any there ever was.
pub type S = u8;
/// Which object, likewise: most mean one that fits.
pub type O = u8;
/// See [`S`].
pub const ANY: u8 = 12;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum User {
    User,
    So,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    Data,
    /// A generic secret, for HMAC.
    Secret,
    /// An AES key, for CBC with padding.
    Aes,
}

/// How much room an output is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Room {
    Enough,
    /// A byte less than it takes.
    Short,
    /// A null pointer.
    Size,
}

/// An operation with a start, parts and an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Digest,
    Sign,
    Verify,
    Encrypt,
}

/// What a new object is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct New {
    pub class: Class,
    pub token: bool,
    pub private: bool,
    pub label: u8,
    /// CKA_MODIFIABLE, CKA_COPYABLE, CKA_DESTROYABLE.
    pub free: [bool; 3],
    /// Whether a key may be used.
    pub may: bool,
}

/// A search.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filter {
    pub class: Class,
    pub label: Option<u8>,
    pub token: Option<bool>,
    pub private: Option<bool>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    Open {
        rw: bool,
    },
    Close(S),
    CloseAll,
    /// C_Finalize and C_Initialize.
    Restart,
    Info(S),
    TokenInfo,
    Login {
        s: S,
        user: User,
        right: bool,
    },
    LoginForUse(S),
    Logout(S),
    InitPin {
        s: S,
        new: u8,
    },
    SetPin {
        s: S,
        right: bool,
        new: u8,
    },
    Create {
        s: S,
        new: New,
    },
    Copy {
        s: S,
        o: O,
        token: Option<bool>,
        private: Option<bool>,
        label: u8,
    },
    Relabel {
        s: S,
        o: O,
        label: u8,
    },
    Read {
        s: S,
        o: O,
    },
    Destroy {
        s: S,
        o: O,
    },
    FindInit {
        s: S,
        filter: Filter,
    },
    Find {
        s: S,
        most: u8,
    },
    FindFinal(S),
    Init {
        s: S,
        kind: Kind,
        o: O,
    },
    /// An *Init without a mechanism.
    Abort {
        s: S,
        kind: Kind,
    },
    Once {
        s: S,
        kind: Kind,
        data: u8,
        room: Room,
    },
    Update {
        s: S,
        kind: Kind,
        data: u8,
        room: Room,
    },
    Final {
        s: S,
        kind: Kind,
        room: Room,
    },
    /// C_SessionCancel of these, and of the search.
    Cancel {
        s: S,
        kinds: Vec<Kind>,
        find: bool,
    },
    /// C_*Update with a null pointer for its data.
    BadPointer {
        s: S,
        kind: Kind,
    },
}

fn session() -> impl Strategy<Value = S> {
    0..ANY + 1
}

fn object() -> impl Strategy<Value = O> {
    0..ANY + 2
}

fn class() -> impl Strategy<Value = Class> {
    prop_oneof![Just(Class::Data), Just(Class::Secret), Just(Class::Aes)]
}

fn kind() -> impl Strategy<Value = Kind> {
    prop_oneof![Just(Kind::Digest), Just(Kind::Sign), Just(Kind::Verify), Just(Kind::Encrypt)]
}

fn room() -> impl Strategy<Value = Room> {
    prop_oneof![4 => Just(Room::Enough), 1 => Just(Room::Short), 1 => Just(Room::Size)]
}

fn mostly() -> impl Strategy<Value = bool> {
    prop_oneof![1 => Just(false), 5 => Just(true)]
}

fn new() -> impl Strategy<Value = New> {
    let free = [mostly(), mostly(), mostly()];
    (class(), any::<bool>(), any::<bool>(), 0..3_u8, free, mostly())
        .prop_map(|(class, token, private, label, free, may)| New { class, token, private, label, free, may })
}

fn filter() -> impl Strategy<Value = Filter> {
    let either = || prop_oneof![2 => Just(None), 1 => any::<bool>().prop_map(Some)];
    let label = prop_oneof![Just(None), (0..3_u8).prop_map(Some)];
    (class(), label, either(), either()).prop_map(|(class, label, token, private)| Filter {
        class,
        label,
        token,
        private,
    })
}

fn logins() -> impl Strategy<Value = Step> {
    let user = || prop_oneof![3 => Just(User::User), 1 => Just(User::So)];
    prop_oneof![
        6 => any::<bool>().prop_map(|rw| Step::Open { rw }),
        3 => session().prop_map(Step::Close),
        1 => prop_oneof![1 => Just(Step::CloseAll), 1 => Just(Step::Restart)],
        2 => session().prop_map(Step::Info),
        1 => Just(Step::TokenInfo),
        6 => (session(), user(), mostly()).prop_map(|(s, user, right)| Step::Login { s, user, right }),
        1 => session().prop_map(Step::LoginForUse),
        2 => session().prop_map(Step::Logout),
        2 => (session(), 0..2_u8).prop_map(|(s, new)| Step::InitPin { s, new }),
        2 => (session(), any::<bool>(), 0..2_u8).prop_map(|(s, right, new)| Step::SetPin { s, right, new }),
    ]
}

/// A session with a login, without which little can be done.
fn arrival() -> impl Strategy<Value = Vec<Step>> {
    let user = prop_oneof![4 => Just(User::User), 1 => Just(User::So)];
    (mostly(), session(), user)
        .prop_map(|(rw, s, user)| vec![Step::Open { rw }, Step::Login { s, user, right: true }])
}

fn objects() -> impl Strategy<Value = Step> {
    let either = || prop_oneof![2 => Just(None), 1 => any::<bool>().prop_map(Some)];
    prop_oneof![
        6 => (session(), new()).prop_map(|(s, new)| Step::Create { s, new }),
        3 => (session(), object(), either(), either(), 0..3_u8)
            .prop_map(|(s, o, token, private, label)| Step::Copy { s, o, token, private, label }),
        3 => (session(), object(), 0..3_u8).prop_map(|(s, o, label)| Step::Relabel { s, o, label }),
        3 => (session(), object()).prop_map(|(s, o)| Step::Read { s, o }),
        2 => (session(), object()).prop_map(|(s, o)| Step::Destroy { s, o }),
    ]
}

/// A search, whole or left where it is.
fn search() -> impl Strategy<Value = Vec<Step>> {
    let pages = prop::collection::vec(0..5_u8, 0..3);
    (session(), filter(), pages, any::<bool>(), prop::option::of(objects())).prop_map(
        |(s, filter, pages, end, between)| {
            let mut steps = vec![Step::FindInit { s, filter }];
            steps.extend(between);
            steps.extend(pages.into_iter().map(|most| Step::Find { s, most }));
            steps.extend(end.then_some(Step::FindFinal(s)));
            steps
        },
    )
}

fn part() -> impl Strategy<Value = Step> {
    let once = (session(), kind(), 0..40_u8, room());
    let update = (session(), kind(), 0..40_u8, room());
    prop_oneof![
        1 => (session(), kind()).prop_map(|(s, kind)| Step::Abort { s, kind }),
        2 => once.prop_map(|(s, kind, data, room)| Step::Once { s, kind, data, room }),
        4 => update.prop_map(|(s, kind, data, room)| Step::Update { s, kind, data, room }),
        4 => (session(), kind(), room()).prop_map(|(s, kind, room)| Step::Final { s, kind, room }),
        1 => (session(), prop::collection::vec(kind(), 0..3), any::<bool>())
            .prop_map(|(s, kinds, find)| Step::Cancel { s, kinds, find }),
        1 => (session(), kind()).prop_map(|(s, kind)| Step::BadPointer { s, kind }),
        1 => (session(), kind(), object()).prop_map(|(s, kind, o)| Step::Init { s, kind, o }),
    ]
}

/// Gives a part the session and the kind of the operation that it shall go on with.
fn of(step: Step, to: S, as_kind: Kind) -> Step {
    match step {
        Step::Once { data, room, .. } => Step::Once { s: to, kind: as_kind, data, room },
        Step::Update { data, room, .. } => Step::Update { s: to, kind: as_kind, data, room },
        Step::Final { room, .. } => Step::Final { s: to, kind: as_kind, room },
        Step::BadPointer { .. } => Step::BadPointer { s: to, kind: as_kind },
        Step::Abort { .. } => Step::Abort { s: to, kind: as_kind },
        other => other,
    }
}

/// An operation: begun, and gone on with by some of the right parts, in whatever order, with others between.
fn operation() -> impl Strategy<Value = Vec<Step>> {
    let between = prop_oneof![6 => part(), 1 => objects(), 1 => logins()];
    let parts = prop::collection::vec((between, mostly()), 1..6);
    (session(), kind(), object(), parts).prop_map(|(s, kind, o, parts)| {
        let mut steps = vec![Step::Init { s, kind, o }];
        steps.extend(parts.into_iter().map(|(step, own)| if own { of(step, s, kind) } else { step }));
        steps
    })
}

/// A login and a key of each type: what most that is interesting needs.
fn prelude() -> impl Strategy<Value = Vec<Step>> {
    (arrival(), new(), new()).prop_map(|(mut steps, one, other)| {
        let key = |class, new| Step::Create { s: 0, new: New { class, may: true, ..new } };
        steps.extend([key(Class::Secret, one), key(Class::Aes, other)]);
        steps
    })
}

/// One sequence.
pub fn steps() -> impl Strategy<Value = Vec<Step>> {
    let one = |step| vec![step];
    let some = prop_oneof![
        2 => arrival(),
        4 => logins().prop_map(one),
        8 => objects().prop_map(one),
        3 => search(),
        5 => operation(),
    ];
    let prelude = prop::option::weighted(0.9, prelude());
    (prelude, prop::collection::vec(some, 1..40)).prop_map(|(prelude, parts)| {
        let mut steps = prelude.unwrap_or_default();
        steps.extend(parts.concat());
        steps
    })
}

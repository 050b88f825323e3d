//! Several places that hold the same keys, as one: the first healthy one serves.
//!
//! Members are other `[[slot]]` entries with `backend = "kms"`, reached by clients of the group's own. A key is the same
//! in two members if it has the same label and the same public key. Who failed lately is asked last; a call is shared
//! among the members that are left, so that it ends within its deadline whoever hangs.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use super::client::{Cipher, KeyVersion, KmsClient, Listed, Material, NewKey, Service, Signing, Traits};
use super::errors::is_general;
use crate::cloud::{Deadline, Error, Kind, Result};
use crate::types::SecretBytes;

/// How long a member that failed is asked last.
const REST: Duration = Duration::from_secs(10);

/// One member.
pub struct Member {
    /// The label of its slot.
    pub label: String,
    /// The way to it.
    pub client: Arc<dyn KmsClient>,
}

/// Which member has a version, and how it calls it.
type Held = Vec<(usize, KeyVersion)>;

/// The members as one place.
pub struct Group {
    members: Vec<Member>,
    /// Until when each is asked last.
    resting: Mutex<Vec<Option<Instant>>>,
    /// What the members call the keys, by label.
    names: Mutex<HashMap<String, Vec<(usize, String)>>>,
    /// Who has which version, by the group's name for it.
    versions: Mutex<HashMap<String, Held>>,
}

impl Group {
    /// At least one member.
    pub fn new(members: Vec<Member>) -> Self {
        Group {
            resting: Mutex::new(vec![None; members.len()]),
            members,
            names: Mutex::default(),
            versions: Mutex::default(),
        }
    }

    /// These members, the healthy ones first, otherwise in the order of the configuration.
    fn by_health(&self, mut members: Vec<usize>) -> Vec<usize> {
        let resting = self.resting.lock();
        let now = Instant::now();
        members
            .sort_by_key(|at| resting.get(*at).is_some_and(|until| until.is_some_and(|until| now < until)));
        members
    }

    /// Judges a member by a result.
    fn note(&self, at: usize, error: Option<&Error>) {
        let failed = error.is_some_and(|error| error.is_temporary() || error.kind() == Kind::Sealed);
        if let Some(until) = self.resting.lock().get_mut(at) {
            *until = failed.then(|| Instant::now() + REST);
        }
    }

    /// Asks one member, with its share of the time.
    fn ask<T>(
        &self,
        at: usize,
        others_left: usize,
        deadline: Deadline,
        ask: impl FnOnce(&dyn KmsClient, Deadline) -> Result<T>,
    ) -> Result<T> {
        let Some(member) = self.members.get(at) else {
            return Err(Error::new(Kind::Configuration, "no such member"));
        };
        let shares = u32::try_from(others_left + 1).unwrap_or(u32::MAX);
        let answer = ask(&*member.client, deadline.at_most(deadline.left() / shares));
        self.note(at, answer.as_ref().err());
        answer
    }

    /// Asks all members; their answers, and the last trouble.
    fn all<T>(
        &self,
        members: Vec<usize>,
        deadline: Deadline,
        what: &str,
        ask: impl Fn(usize, &dyn KmsClient, Deadline) -> Result<T>,
    ) -> (Vec<(usize, T)>, Option<Error>) {
        let order = self.by_health(members);
        let (mut answers, mut last) = (Vec::new(), None);
        for (turn, at) in order.iter().enumerate() {
            let others = order.len() - turn - 1;
            match self.ask(*at, others, deadline, |client, deadline| ask(*at, client, deadline)) {
                Ok(answer) => answers.push((*at, answer)),
                Err(error) => {
                    tracing::warn!("{what}: {} failed: {error}", self.label(*at));
                    last = Some(error);
                }
            }
        }
        // In the order of the configuration, whoever answered first.
        answers.sort_by_key(|(at, _)| *at);
        (answers, last)
    }

    fn label(&self, at: usize) -> &str {
        self.members.get(at).map_or("?", |member| &member.label)
    }

    /// Asks members by turns until one answers.
    fn first<T>(
        &self,
        members: Vec<usize>,
        deadline: Deadline,
        what: &'static str,
        mut ask: impl FnMut(usize, &dyn KmsClient, Deadline) -> Result<T>,
    ) -> Result<T> {
        let order = self.by_health(members);
        let mut worst: Option<Error> = None;
        for (turn, at) in order.iter().enumerate() {
            let others = order.len() - turn - 1;
            match self.ask(*at, others, deadline, |client, deadline| ask(*at, client, deadline)) {
                Ok(answer) => {
                    match turn {
                        0 => tracing::debug!(what, member = self.label(*at), "served"),
                        _ => tracing::warn!("{what}: {} served instead of those before it", self.label(*at)),
                    }
                    return Ok(answer);
                }
                // What the request itself is to blame for, is so everywhere.
                Err(error)
                    if matches!(error.kind(), Kind::Refused | Kind::BadCiphertext | Kind::Conflict) =>
                {
                    return Err(error);
                }
                Err(error) => {
                    tracing::warn!("{what}: {} failed: {error}", self.label(*at));
                    // A member that is away may have the key: what one says that lacks it, is not the whole truth.
                    if worst.as_ref().is_none_or(|worst| !is_general(worst.kind())) {
                        worst = Some(error);
                    }
                }
            }
        }
        Err(worst.unwrap_or_else(no_such_key))
    }

    /// The same with the members that have a version.
    fn with_key<T>(
        &self,
        key: &KeyVersion,
        deadline: Deadline,
        what: &'static str,
        ask: impl Fn(&dyn KmsClient, &KeyVersion, Deadline) -> Result<T>,
    ) -> Result<T> {
        let held = self.versions.lock().get(&key.resource).cloned().unwrap_or_default();
        let members = held.iter().map(|(at, _)| *at).collect();
        self.first(members, deadline, what, |at, client, deadline| {
            match held.iter().find(|(of, _)| *of == at) {
                Some((_, version)) => ask(client, version, deadline),
                None => Err(no_such_key()),
            }
        })
    }

    fn everyone(&self) -> Vec<usize> {
        (0..self.members.len()).collect()
    }

    fn refuse(&self, what: &str) -> Error {
        let labels: Vec<&str> = self.members.iter().map(|member| member.label.as_str()).collect();
        Error::new(Kind::Refused, format!("{what} by the slot of one member: {}", labels.join(", ")))
    }
}

fn no_such_key() -> Error {
    Error::new(Kind::NotFound, "no member of the group has the key")
}

/// The group's name for a version: the same whichever member shows it first.
fn group_name(label: &str, version: &KeyVersion) -> String {
    match &version.material {
        Material::Pair(info) => {
            let digest = crate::crypto::digest(crate::crypto::Hash::Sha256, info);
            format!("{label} {}", crate::cloud::text::hex(&digest))
        }
        Material::Secret(..) => version.resource.clone(),
    }
}

impl KmsClient for Group {
    /// The first member's: a group is of one provider, or of ones that can do the same with its keys.
    fn service(&self) -> &'static Service {
        static NOBODY: Service = Service {
            provider: "group",
            manufacturer: "keyward",
            model: "group",
            offers: &[],
            permissions: &[],
        };
        self.members.first().map_or(&NOBODY, |member| member.client.service())
    }

    /// What all members take.
    fn traits(&self) -> Traits {
        let all = self.members.iter().map(|member| member.client.traits());
        let common = all.reduce(|one, other| Traits {
            any_pss_salt: one.any_pss_salt && other.any_pss_salt,
            max_message: one.max_message.min(other.max_message),
            max_data: one.max_data.min(other.max_data),
            max_random: one.max_random.min(other.max_random),
            secret_pin: false,
        });
        Traits { secret_pin: false, ..common.unwrap_or_default() }
    }

    fn identity(&self) -> String {
        let of =
            |member: &Member| format!("{} {}", member.client.service().provider, member.client.identity());
        format!("group of {}", self.members.iter().map(of).collect::<Vec<_>>().join(", "))
    }

    fn list(&self, deadline: Deadline) -> Result<Vec<Listed>> {
        let (answers, last) =
            self.all(self.everyone(), deadline, "list", |_, client, deadline| client.list(deadline));
        if let (Some(error), true) = (last, answers.is_empty()) {
            return Err(error);
        }
        let mut listed: Vec<Listed> = Vec::new();
        let mut names = self.names.lock();
        for (at, keys) in answers {
            // What a member said that is away now is still true of it.
            names.values_mut().for_each(|known| known.retain(|(of, _)| *of != at));
            for Listed { name, label } in keys {
                if !listed.iter().any(|known| known.label == label) {
                    listed.push(Listed { name: label.clone(), label: label.clone() });
                }
                names.entry(label).or_default().push((at, name));
            }
        }
        Ok(listed)
    }

    fn read(&self, label: &str, deadline: Deadline) -> Result<Vec<KeyVersion>> {
        let known = self.names.lock().get(label).cloned();
        // Without a list, every member is asked by the label: a configuration that names keys names them everywhere.
        let known =
            known.unwrap_or_else(|| self.everyone().into_iter().map(|at| (at, label.to_owned())).collect());
        let members = known.iter().map(|(at, _)| *at).collect();
        let (answers, last) = self.all(members, deadline, "read", |at, client, deadline| {
            let (_, name) = known.iter().find(|(of, _)| *of == at).ok_or_else(no_such_key)?;
            client.read(name, deadline)
        });
        if let (Some(error), true) = (last, answers.is_empty()) {
            return Err(error);
        }
        let answered: Vec<usize> = answers.iter().map(|(at, _)| *at).collect();
        let mut found: Vec<(String, Held)> = Vec::new();
        for (at, versions) in answers {
            for version in versions {
                let name = group_name(label, &version);
                match found.iter_mut().find(|(known, _)| *known == name) {
                    Some((_, held)) => held.push((at, version)),
                    None => found.push((name, vec![(at, version)])),
                }
            }
        }
        let mut versions = self.versions.lock();
        let keep = |(name, held): (String, Held)| {
            // A member that is away now keeps what it had.
            let known = versions.entry(name.clone()).or_default();
            known.retain(|(at, _)| !answered.contains(at));
            known.extend(held);
            known.sort_by_key(|(at, _)| *at);
            whole(label, name, known)
        };
        Ok(found.into_iter().filter_map(keep).collect())
    }

    fn is_whole(&self) -> bool {
        let now = Instant::now();
        !self.resting.lock().iter().any(|until| until.is_some_and(|until| now < until))
    }

    fn sign(&self, key: &KeyVersion, signing: Signing<'_>, deadline: Deadline) -> Result<Vec<u8>> {
        self.with_key(key, deadline, "sign", |client, key, deadline| client.sign(key, signing, deadline))
    }

    fn expect_cipher(&self, key: &KeyVersion, cipher: Cipher<'_>) -> Result<()> {
        let held = self.versions.lock().get(&key.resource).cloned().unwrap_or_default();
        held.iter().try_for_each(|(at, version)| match self.members.get(*at) {
            Some(member) => member.client.expect_cipher(version, cipher),
            None => Ok(()),
        })
    }

    fn decrypt(
        &self,
        key: &KeyVersion,
        cipher: Cipher<'_>,
        ciphertext: &[u8],
        deadline: Deadline,
    ) -> Result<SecretBytes> {
        self.with_key(key, deadline, "decrypt", |client, key, deadline| {
            client.decrypt(key, cipher, ciphertext, deadline)
        })
    }

    fn encrypt(
        &self,
        key: &KeyVersion,
        cipher: Cipher<'_>,
        plaintext: &[u8],
        deadline: Deadline,
    ) -> Result<Vec<u8>> {
        self.with_key(key, deadline, "encrypt", |client, key, deadline| {
            client.encrypt(key, cipher, plaintext, deadline)
        })
    }

    fn agree(&self, key: &KeyVersion, peer_spki: &[u8], deadline: Deadline) -> Result<SecretBytes> {
        self.with_key(key, deadline, "agree", |client, key, deadline| client.agree(key, peer_spki, deadline))
    }

    fn decapsulate(&self, key: &KeyVersion, ciphertext: &[u8], deadline: Deadline) -> Result<SecretBytes> {
        self.with_key(key, deadline, "decapsulate", |client, key, deadline| {
            client.decapsulate(key, ciphertext, deadline)
        })
    }

    fn random(&self, out: &mut [u8], deadline: Deadline) -> Result<()> {
        self.first(self.everyone(), deadline, "random", |_, client, deadline| client.random(out, deadline))
    }

    fn create(&self, _key: &NewKey, _deadline: Deadline) -> Result<Listed> {
        Err(self.refuse("a group makes no keys: they are made"))
    }

    fn destroy(&self, _key: &KeyVersion, _deadline: Deadline) -> Result<()> {
        Err(self.refuse("a group destroys no keys: they are destroyed"))
    }

    fn authenticate(&self, _secret: &[u8], _deadline: Deadline) -> Result<()> {
        Err(self.refuse("a group takes no secret: each member has its own, given"))
    }

    fn forget(&self) {
        self.members.iter().for_each(|member| member.client.forget());
    }
}

/// The group's version of what its members hold: the same whichever of them answered, with what all of them do.
fn whole(label: &str, name: String, held: &Held) -> Option<KeyVersion> {
    let (_, first) = held.first()?;
    let others = held.iter().skip(1).map(|(_, version)| version);
    let mut version = KeyVersion {
        resource: name,
        name: label.to_owned(),
        version: String::new(),
        algorithm: String::new(),
        created: None,
        ..first.clone()
    };
    for other in others {
        version.mechanisms.retain(|kind| other.mechanisms.contains(kind));
        version.usage &= other.usage;
        version.raw_pkcs1 &= other.raw_pkcs1;
    }
    Some(version)
}

//! A device as a token with keys outside: what its keys do, the rest is software's.

use parking_lot::RwLock;

use super::keys::{DeviceSigner, expect_possible, key_type, make_wallet, name_of};
use super::link::Repeat;
use super::objects::to_device;
use super::offer;
use super::ring::{Entry, public_of};
use super::token::ZymbitToken;
use crate::backend::held::{
    self, Kept, Outside, OutsideSession, SessionObjects, Target, caller, expect_usable,
};
use crate::config::Config;
use crate::error::{Error, ErrorKind, Result};
use crate::mechanism::op::{Cipher, Producer, Verifier};
use crate::mechanism::{Descriptor, Key, Mechanism, Params, external, material};
use crate::object::{self, Attributes, Inherit, Template, Usage};
use crate::token::{Access, ObjectHandle, Prepared};
use crate::types::{SecretBytes, ck};

/// Random bytes that are fetched at a time: what a caller asks for is not allocated at once.
const RANDOM_CHUNK: usize = 4096;

/// One session.
pub type ZymbitSession = OutsideSession<ZymbitToken>;

impl Outside for ZymbitToken {
    type Entry = Entry;

    const OWNER: &'static str = "the device";
    const NOT_DESTROYABLE: &'static str =
        "CKA_DESTROYABLE is false: factory keys stay, and a pair goes by its private key";

    fn config(&self) -> &Config {
        &self.config
    }

    fn session_objects(&self) -> &RwLock<SessionObjects> {
        &self.session_objects
    }

    fn login_required(&self) -> bool {
        self.settings.gate.is_some()
    }

    fn row(&self, kind: ck::CK_MECHANISM_TYPE) -> Result<&'static Descriptor> {
        offer::row(&self.offer()?, self.model, kind)
    }

    fn row_for(&self, kind: ck::CK_MECHANISM_TYPE, flag: ck::CK_FLAGS) -> Result<&'static Descriptor> {
        offer::row_for(&self.offer()?, self.model, kind, flag)
    }

    fn expect_session_object(&self, object: &Attributes) -> Result<()> {
        if object::is_token(object) { Err(not_stored()) } else { Ok(()) }
    }

    fn get(&self, access: Access, handle: ObjectHandle) -> Result<Target<Entry>> {
        self.with_ring(|ring, device| ring.get(device, access, handle))
    }

    fn find(&self, access: Access, template: &Template) -> Result<Vec<ObjectHandle>> {
        self.with_ring(|ring, device| ring.find(device, access, template))
    }

    fn stores(&self, object: &Attributes) -> bool {
        self.model.rich && object.class() == ck::CKO_PUBLIC_KEY
    }

    /// Somebody else's public key into the device.
    fn store(&self, attributes: &Attributes) -> Result<ObjectHandle> {
        let Key::Public(key) = material::key(attributes)? else { return Err(not_stored()) };
        let (key_type, bytes) = to_device(&key).ok_or_else(not_stored)?;
        let slot = self.link.call(Repeat::No, |device| device.store_foreign_key(key_type, &bytes))?;
        let named = [ck::CKA_LABEL, ck::CKA_ID]
            .iter()
            .any(|id| attributes.bytes(*id).is_some_and(|value| !value.is_empty()));
        if named {
            tracing::warn!(
                "foreign key slot {slot}: a device keeps no names; [[slot.key]] slot = {slot}, foreign = true gives it \
                 label and id"
            );
        }
        let entry = self.with_ring(|ring, device| ring.add(device, true, slot, key_type, None))?;
        Ok(entry.pair.public.handle)
    }

    fn destroy(&self, entry: &Entry) -> Result<()> {
        let (slot, foreign) = (entry.key.slot, entry.key.foreign);
        if !foreign {
            self.expect_intact()?;
        }
        self.link.call(Repeat::No, |device| device.remove_key(slot, foreign))?;
        self.ring().forget(foreign, slot);
        Ok(())
    }

    fn random(&self, out: &mut [u8]) -> Result<()> {
        for chunk in out.chunks_mut(RANDOM_CHUNK) {
            let bytes = self.link.call(Repeat::Yes, |device| {
                let mut bytes = SecretBytes::from(vec![0; chunk.len()]);
                device.random(&mut bytes)?;
                Ok(bytes)
            })?;
            chunk.copy_from_slice(&bytes);
        }
        Ok(())
    }

    fn sign(
        session: &ZymbitSession,
        mechanism: &Mechanism,
        (entry, object): Kept<'_, Entry>,
    ) -> Result<Prepared<dyn Producer>> {
        let row = session.token.row_for(mechanism.kind, ck::CKF_SIGN)?;
        expect_usable(
            &session.token.config,
            &object.attributes,
            row,
            Usage::Sign,
            ErrorKind::KeyHandleInvalid,
        )?;
        let recoverable = mechanism.kind == ck::CKM_KEYWARD_ECDSA_RECOVERABLE;
        let signer = DeviceSigner { token: session.token.clone(), entry: entry.clone(), recoverable };
        let operation = held::operation(row, external::ecdsa(mechanism.kind, signer), Usage::Sign)?;
        Ok(Prepared { operation, authenticate: false })
    }

    /// C_GenerateKeyPair: an ordinary pair, or a wallet's master.
    fn generate_key_pair(
        session: &mut ZymbitSession,
        access: Access,
        mechanism: &Mechanism,
        public: Template,
        private: Template,
    ) -> Result<(ObjectHandle, ObjectHandle)> {
        let row = session.token.row_for(mechanism.kind, ck::CKF_GENERATE_KEY_PAIR)?;
        let who = caller(access);
        let wallet = mechanism.kind == ck::CKM_KEYWARD_BIP32_MASTER_GEN;
        // The device's wallets are on secp256k1 and P-256; those on Ed25519 are software's.
        let key_types = if wallet { &[ck::CKK_EC][..] } else { row.key_types };
        let (public, private) = object::generate_pair(public, private, mechanism.kind, key_types, &who)?;
        object::may_write(&public, &who, access.read_write)?;
        object::may_write(&private, &who, access.read_write)?;
        held::expect_strong(&session.token.config, &public)?;
        expect_possible(&public, &private)?;
        let key_type = key_type(&public)?;
        let entry = session.token.make(key_type, name_of(&private), |device| match wallet {
            true => make_wallet(device, key_type, &mechanism.params),
            false => device.generate_key_pair(key_type),
        })?;
        match &entry.pair.private {
            Some(private) => Ok((entry.pair.public.handle, private.handle)),
            None => Err(ErrorKind::DeviceError.into()),
        }
    }

    /// C_DeriveKey with a key of the device.
    fn derive(
        session: &mut ZymbitSession,
        access: Access,
        mechanism: &Mechanism,
        (entry, object): Kept<'_, Entry>,
        template: Template,
    ) -> Result<ObjectHandle> {
        let row = session.token.row_for(mechanism.kind, ck::CKF_DERIVE)?;
        expect_usable(
            &session.token.config,
            &object.attributes,
            row,
            Usage::Derive,
            ErrorKind::KeyHandleInvalid,
        )?;
        if let Params::Bip32Child { index, hardened } = mechanism.params {
            return session.token.derive_child(access, entry, index, hardened, &template);
        }
        let mut key = object::derive(template, &object.attributes, &[], Inherit::Template, &caller(access))?;
        object::may_write(&key, &caller(access), access.read_write)?;
        let wanted = material::wanted_len(&key)?;
        let value = external::ecdh(public_of(entry), &mechanism.params, wanted, |peer| {
            session.token.agree(entry.key.slot, peer)
        })?;
        material::fill_secret(&mut key, value)?;
        held::add_one(session, access, key)
    }

    fn verify(
        session: &ZymbitSession,
        access: Access,
        mechanism: &Mechanism,
        (_, key): Kept<'_, Entry>,
    ) -> Result<Prepared<dyn Verifier>> {
        held::prepare(session, access, mechanism, key.handle, Usage::Verify, |ops| ops.verify)
    }

    fn encrypt(
        session: &ZymbitSession,
        access: Access,
        mechanism: &Mechanism,
        (_, key): Kept<'_, Entry>,
    ) -> Result<Prepared<dyn Cipher>> {
        held::prepare(session, access, mechanism, key.handle, Usage::Encrypt, |ops| ops.encrypt)
    }

    fn decrypt(
        session: &ZymbitSession,
        access: Access,
        mechanism: &Mechanism,
        (_, key): Kept<'_, Entry>,
    ) -> Result<Prepared<dyn Cipher>> {
        held::prepare(session, access, mechanism, key.handle, Usage::Decrypt, |ops| ops.decrypt)
    }

    /// No model keeps secret keys: as a token object it is refused.
    fn generate_key(
        session: &mut ZymbitSession,
        access: Access,
        mechanism: &Mechanism,
        template: Template,
    ) -> Result<ObjectHandle> {
        held::make_key(session, access, mechanism, template)
    }

    fn unwrap(
        session: &mut ZymbitSession,
        access: Access,
        mechanism: &Mechanism,
        (_, key): Kept<'_, Entry>,
        wrapped: &[u8],
        template: Template,
    ) -> Result<ObjectHandle> {
        held::unwrap(session, access, mechanism, key.handle, wrapped, template)
    }

    fn decapsulate(
        session: &mut ZymbitSession,
        access: Access,
        mechanism: &Mechanism,
        (_, key): Kept<'_, Entry>,
        ciphertext: &[u8],
        template: Template,
    ) -> Result<ObjectHandle> {
        held::decapsulate(session, access, mechanism, key.handle, ciphertext, template)
    }
}

fn not_stored() -> Error {
    Error::new(
        ErrorKind::TokenWriteProtected,
        "this device stores no such object: key pairs are made in it by C_GenerateKeyPair, public keys of its types can \
         be stored by models that make keys, certificates are named in [[slot.key]]; CKA_TOKEN false makes a session \
         object",
    )
}

//! Operations.

use keyward_conformance::ck::*;

use super::{Model, Operation, Out, Outcome, Refusal, answer, fine, key_class, refuse};
use crate::oracle::{self, CBC_BLOCK};
use crate::step::{Class, Kind, O, Room, S};

impl Model {
    /// The signature that the running verification wants, if all of its data is this and what it was fed.
    pub fn signature(&self, s: S, more: &[u8]) -> Vec<u8> {
        let session = self.session(s).and_then(|index| self.sessions[index].as_ref());
        match session.and_then(|session| session.operations[Kind::Verify as usize].as_ref()) {
            Some(operation) => {
                oracle::result(Kind::Verify, operation.value, &[&operation.data[..], more].concat())
            }
            None => vec![0; 32],
        }
    }

    /// How much an update of this length gives out, as far as an encryption runs.
    pub fn update_length(&self, s: S, length: u8) -> usize {
        let session = self.session(s).and_then(|index| self.sessions[index].as_ref());
        let operation = session.and_then(|session| session.operations[Kind::Encrypt as usize].as_ref());
        let before = operation.map_or(0, |operation| operation.data.len() % CBC_BLOCK);
        (before + usize::from(length)) / CBC_BLOCK * CBC_BLOCK
    }

    pub(super) fn init(&mut self, s: S, kind: Kind, o: O) -> Refusal<Outcome> {
        let session = self.live(s)?;
        if self.at(session).operations[kind as usize].is_some() {
            return refuse(CKR_OPERATION_ACTIVE);
        }
        let mut value = 0;
        if kind != Kind::Digest {
            let key = &self.objects[self.good(self.key(kind, o), CKR_KEY_HANDLE_INVALID)?];
            let wanted = key_class(kind);
            match key.is.class {
                Class::Data => return refuse(CKR_KEY_HANDLE_INVALID),
                class if class != wanted => return refuse(CKR_KEY_TYPE_INCONSISTENT),
                _ if !key.is.may => return refuse(CKR_KEY_FUNCTION_NOT_PERMITTED),
                _ => value = key.value,
            }
        }
        self.at(session).operations[kind as usize] = Some(Operation { value, ..Operation::default() });
        Ok(answer(CKR_OK))
    }

    pub(super) fn abort(&mut self, s: S, kind: Kind) -> Refusal<Outcome> {
        let session = self.live(s)?;
        match self.at(session).operations[kind as usize].take() {
            Some(_) => Ok(answer(CKR_OK)),
            None => refuse(CKR_ARGUMENTS_BAD),
        }
    }

    pub(super) fn cancel(&mut self, s: S, kinds: &[Kind], find: bool) -> Refusal<Outcome> {
        let session = self.live(s)?;
        let session = self.at(session);
        kinds.iter().for_each(|kind| session.operations[*kind as usize] = None);
        if find {
            session.find = None;
        }
        Ok(answer(CKR_OK))
    }

    /// An error other than a short buffer ends the operation, whatever the error.
    pub(super) fn bad_pointer(&mut self, s: S, kind: Kind) -> Refusal<Outcome> {
        let session = self.live(s)?;
        self.at(session).operations[kind as usize] = None;
        refuse(CKR_ARGUMENTS_BAD)
    }

    /// Takes the operation out: a step puts it back where it goes on.
    fn running(&mut self, s: S, kind: Kind) -> Refusal<(usize, Operation)> {
        let session = self.live(s)?;
        match self.at(session).operations[kind as usize].take() {
            Some(operation) => Ok((session, operation)),
            None => refuse(CKR_OPERATION_NOT_INITIALIZED),
        }
    }

    pub(super) fn once(&mut self, s: S, kind: Kind, data: u8, room: Room) -> Refusal<Outcome> {
        let (session, operation) = self.running(s, kind)?;
        if operation.in_parts {
            return refuse(CKR_OPERATION_NOT_INITIALIZED);
        }
        let data = oracle::input(data);
        let result = oracle::result(kind, operation.value, &data);
        Ok(self.deliver(session, kind, operation, result, (false, data), room))
    }

    pub(super) fn update(&mut self, s: S, kind: Kind, data: u8, room: Room) -> Refusal<Outcome> {
        let (session, mut operation) = self.running(s, kind)?;
        if operation.waiting.is_some() {
            return refuse(CKR_OPERATION_NOT_INITIALIZED);
        }
        operation.in_parts = true;
        let part = oracle::input(data);
        if kind != Kind::Encrypt {
            operation.data.extend(part);
            self.at(session).operations[kind as usize] = Some(operation);
            return Ok(answer(CKR_OK));
        }
        let before = operation.data.len() / CBC_BLOCK * CBC_BLOCK;
        let mut whole = operation.data.clone();
        whole.extend(part);
        let result = oracle::result(kind, operation.value, &whole);
        let block = result[before..whole.len() / CBC_BLOCK * CBC_BLOCK].to_vec();
        let outcome = match room {
            Room::Size => fine(Out::Length(block.len())),
            Room::Short if !block.is_empty() => too_small(block.len()),
            _ => {
                operation.data = whole;
                fine(Out::Bytes(block))
            }
        };
        self.at(session).operations[kind as usize] = Some(operation);
        Ok(outcome)
    }

    pub(super) fn finish(&mut self, s: S, kind: Kind, room: Room) -> Refusal<Outcome> {
        let (session, operation) = self.running(s, kind)?;
        let mut result = oracle::result(kind, operation.value, &operation.data);
        if kind == Kind::Encrypt {
            result.drain(..operation.data.len() / CBC_BLOCK * CBC_BLOCK);
        }
        Ok(self.deliver(session, kind, operation, result, (true, Vec::new()), room))
    }

    /// The last output of an operation. Where it did not fit it waits for the same call, and any other ends it.
    fn deliver(
        &mut self,
        session: usize,
        kind: Kind,
        mut operation: Operation,
        result: Vec<u8>,
        call: (bool, Vec<u8>),
        room: Room,
    ) -> Outcome {
        if kind == Kind::Verify {
            return answer(if room == Room::Short { CKR_SIGNATURE_INVALID } else { CKR_OK });
        }
        if room != Room::Size && operation.waiting.as_ref().is_some_and(|waiting| *waiting != call) {
            return answer(CKR_OPERATION_NOT_INITIALIZED);
        }
        let outcome = match room {
            Room::Enough => return fine(Out::Bytes(result)),
            Room::Size => fine(Out::Length(result.len())),
            Room::Short => {
                // Digests and signatures are not computed before there is room for them.
                operation.waiting = (kind == Kind::Encrypt).then_some(call);
                too_small(result.len())
            }
        };
        self.at(session).operations[kind as usize] = Some(operation);
        outcome
    }
}

fn too_small(length: usize) -> Outcome {
    Outcome { rv: CKR_BUFFER_TOO_SMALL, out: Out::Length(length) }
}

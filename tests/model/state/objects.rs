//! Objects and searches.

use keyward_conformance::ck::*;

use super::{Model, Object, Out, Outcome, Refusal, answer, fine, refuse};
use crate::oracle;
use crate::step::{Filter, New, O, S, User};

impl Model {
    pub(super) fn sees(&self, object: &Object) -> bool {
        object.alive && (!object.is.private || self.login == Some(User::User))
    }

    /// The object, if its handle is good.
    fn visible(&self, o: O) -> Refusal<usize> {
        self.good(self.object(o), CKR_OBJECT_HANDLE_INVALID)
    }

    pub(super) fn good(&self, object: Option<usize>, otherwise: CK_RV) -> Refusal<usize> {
        match object {
            Some(index) if self.sees(&self.objects[index]) && !self.objects[index].unknown => Ok(index),
            _ => refuse(otherwise),
        }
    }

    fn may_write(&self, session: usize, is: &New) -> Refusal {
        if is.token && !self.is_rw(session) {
            return refuse(CKR_SESSION_READ_ONLY);
        }
        if is.private && self.login != Some(User::User) {
            return refuse(CKR_USER_NOT_LOGGED_IN);
        }
        Ok(())
    }

    fn add(&mut self, session: usize, is: New, value: usize) -> Refusal<Outcome> {
        self.may_write(session, &is)?;
        let owner = (!is.token).then_some(session);
        self.objects.push(Object { is, owner, alive: true, unknown: false, value });
        Ok(answer(CKR_OK))
    }

    pub(super) fn create(&mut self, s: S, new: New) -> Refusal<Outcome> {
        let session = self.live(s)?;
        self.add(session, new, self.objects.len())
    }

    pub(super) fn copy(
        &mut self,
        s: S,
        o: O,
        (token, private): (Option<bool>, Option<bool>),
        label: u8,
    ) -> Refusal<Outcome> {
        let session = self.live(s)?;
        let source = self.objects[self.visible(o)?].clone();
        if !source.is.free[1] {
            return refuse(CKR_ACTION_PROHIBITED);
        }
        // A copy does not undo CKA_PRIVATE.
        if source.is.private && private == Some(false) {
            return refuse(CKR_TEMPLATE_INCONSISTENT);
        }
        let mut is = New { label, ..source.is };
        is.token = token.unwrap_or(is.token);
        is.private = private.unwrap_or(is.private);
        self.add(session, is, source.value)
    }

    pub(super) fn relabel(&mut self, s: S, o: O, label: u8) -> Refusal<Outcome> {
        let session = self.live(s)?;
        let index = self.visible(o)?;
        self.may_write(session, &self.objects[index].is)?;
        if !self.objects[index].is.free[0] {
            return refuse(CKR_ACTION_PROHIBITED);
        }
        self.objects[index].is.label = label;
        Ok(answer(CKR_OK))
    }

    pub(super) fn read(&self, s: S, o: O) -> Refusal<Outcome> {
        self.live(s)?;
        let object = &self.objects[self.visible(o)?];
        Ok(fine(Out::Object(object.is.label, oracle::value(object.value))))
    }

    pub(super) fn destroy(&mut self, s: S, o: O) -> Refusal<Outcome> {
        let session = self.live(s)?;
        let index = self.visible(o)?;
        if !self.objects[index].is.free[2] {
            return refuse(CKR_ACTION_PROHIBITED);
        }
        self.may_write(session, &self.objects[index].is)?;
        self.objects[index].alive = false;
        Ok(answer(CKR_OK))
    }

    pub(super) fn find_init(&mut self, s: S, filter: &Filter) -> Refusal<Outcome> {
        let session = self.live(s)?;
        if self.at(session).find.is_some() {
            return refuse(CKR_OPERATION_ACTIVE);
        }
        let matches = |is: &New| {
            is.class == filter.class
                && filter.label.is_none_or(|label| label == is.label)
                && filter.token.is_none_or(|token| token == is.token)
                && filter.private.is_none_or(|private| private == is.private)
        };
        let all = self.objects.iter().enumerate();
        let found =
            all.filter(|(_, object)| self.sees(object) && matches(&object.is)).map(|(index, _)| index);
        let found = found.collect();
        self.at(session).find = Some(found);
        Ok(answer(CKR_OK))
    }

    /// Any so many of those that are left, in any order: the outcome is what was found, if that can be.
    pub(super) fn find(&mut self, s: S, most: usize, found: &Out) -> Refusal<Outcome> {
        let session = self.live(s)?;
        let Some(left) = &mut self.at(session).find else {
            return refuse(CKR_OPERATION_NOT_INITIALIZED);
        };
        let wanted = most.min(left.len());
        if let Out::Found(named, unnamed) = found
            && named.len() + unnamed == wanted
            && named.is_subset(left)
        {
            left.retain(|index| !named.contains(index));
            let named = named.clone();
            let mut rest = left.clone();
            // What was destroyed since the search began has no number to read.
            rest.retain(|index| !self.sees(&self.objects[*index]));
            if rest.len() >= *unnamed {
                let gone: Vec<usize> = rest.into_iter().take(*unnamed).collect();
                let left = self.at(session).find.as_mut().unwrap();
                left.retain(|index| !gone.contains(index));
                named.iter().for_each(|index| self.objects[*index].unknown = false);
                return Ok(fine(found.clone()));
            }
        }
        let left = self.at(session).find.clone().unwrap();
        Ok(fine(Out::Found(left.into_iter().take(wanted).collect(), 0)))
    }

    pub(super) fn find_final(&mut self, s: S) -> Refusal<Outcome> {
        let session = self.live(s)?;
        match self.at(session).find.take() {
            Some(_) => Ok(answer(CKR_OK)),
            None => refuse(CKR_OPERATION_NOT_INITIALIZED),
        }
    }
}

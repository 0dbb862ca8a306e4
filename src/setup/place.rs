//! Where the objects of a plan are: what people call them, what is unique about them, and their ids,
//! which those that are created get on the way.

use std::collections::BTreeMap;

use super::edit::{Edit, Object, Set};
use super::snapshot::Seen;
use super::target::{Place, Target};
use super::wanted::Reference;
use crate::text::clean_line;

/// Names of other people's are cut at this length.
const LONGEST_NAME: usize = 100;

/// Where the objects of a plan are, and those that they refer to.
#[derive(Clone, Debug, Default)]
pub(super) struct Places {
    places: BTreeMap<Object, Located>,
}

#[derive(Clone, Debug)]
struct Located {
    name: String,
    key: String,
    id: Option<String>,
}

impl Places {
    /// Where the objects are that `edits` change or refer to.
    pub(super) fn of(target: &Target<'_>, edits: &[Edit]) -> Self {
        let mut places = Self::default();
        for edit in edits {
            places.note(target, &edit.object);
            if let Set::IdOf(object) = &edit.set {
                places.note(target, object);
            }
        }
        // The settings that are written in the end name these.
        for object in [Object::StdioApplication, Object::HttpApplication, Object::ApiClient] {
            if target.place(&object).is_some() {
                places.note(target, &object);
            }
        }
        places
    }

    /// What people call it, as part of a sentence.
    pub(super) fn name(&self, object: &Object) -> &str {
        self.places.get(object).map(|located| located.name.as_str()).unwrap_or_default()
    }

    /// What makes it the only one of its kind: an application's or connection's name, an API's
    /// identifier.
    pub(super) fn key(&self, object: &Object) -> &str {
        self.places.get(object).map(|located| located.key.as_str()).unwrap_or_default()
    }

    /// Its id, where it is there.
    pub(super) fn id(&self, object: &Object) -> Option<&str> {
        self.places.get(object)?.id.as_deref()
    }

    /// It is there now.
    pub(super) fn found(&mut self, object: &Object, id: String) {
        if let Some(located) = self.places.get_mut(object) {
            located.id = Some(id);
        }
    }

    fn note(&mut self, target: &Target<'_>, object: &Object) {
        if self.places.contains_key(object) {
            return;
        }
        match object {
            Object::Grant { application, api } => {
                self.note(target, application);
                self.note(target, api);
            }
            Object::ThirdPartyGrant => self.note(target, &Object::Api),
            Object::Enabled { application } => {
                self.note(target, application);
                self.note(target, &Object::Connection);
            }
            _ => {}
        }
        let key = key(target, object);
        let located = Located { name: self.called(object, &key), key, id: target.id_of(object) };
        self.places.insert(object.clone(), located);
    }

    fn called(&self, object: &Object, key: &str) -> String {
        let key = clean_line(key, LONGEST_NAME);
        match object {
            Object::Tenant => "tenant settings".to_owned(),
            Object::MyAccount => "My Account API".to_owned(),
            Object::Api => format!("API `{key}`"),
            Object::StdioApplication | Object::HttpApplication | Object::ApiClient => {
                format!("application `{key}`")
            }
            Object::Grant { application, api } => {
                format!("grant of {} for {}", self.name(application), self.name(api))
            }
            Object::ThirdPartyGrant => {
                format!("default grant of third-party clients for {}", self.name(&Object::Api))
            }
            Object::Connection | Object::LoginConnection { .. } => format!("connection `{key}`"),
            Object::Enabled { application } => {
                format!("{} for {}", self.name(&Object::Connection), self.name(application))
            }
        }
    }
}

fn key(target: &Target<'_>, object: &Object) -> String {
    match object {
        Object::MyAccount => target.my_account(),
        Object::Api => target.wanted.api().unwrap_or_default(),
        Object::StdioApplication | Object::HttpApplication | Object::ApiClient => {
            match target.place(object) {
                Some(Place::Found(application)) => application.name.clone(),
                Some(Place::Absent(name) | Place::Ambiguous(name)) => name.clone(),
                Some(Place::Unknown | Place::Unread(_)) | None => {
                    Reference::Default.new_name().to_owned()
                }
            }
        }
        Object::Connection => target.wanted.connection.clone(),
        Object::LoginConnection { id } => {
            let Seen::Known(all) = &target.snapshot.every_connection else {
                return id.clone();
            };
            let found = all.iter().find(|connection| connection.id == *id);
            found.map_or_else(|| id.clone(), |connection| connection.name.clone())
        }
        Object::Tenant
        | Object::Grant { .. }
        | Object::ThirdPartyGrant
        | Object::Enabled { .. } => String::new(),
    }
}

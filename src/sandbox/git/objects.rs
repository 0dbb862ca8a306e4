//! The objects of one repository, held in memory.
//!
//! Nothing touches the disk: a sandbox starts within milliseconds and leaves nothing behind.

use std::collections::HashMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use gix::ObjectId;
use gix::hash::{Kind as HashKind, oid};
use gix::objs::{Data, Find, FindHeader, Header, Kind, Write, compute_hash};

/// What is stored of each object: its kind and its contents.
type Stored = HashMap<ObjectId, (Kind, Arc<[u8]>)>;

/// Every object by its hash. Cloning shares the contents and is cheap.
#[derive(Default)]
pub(super) struct Objects {
    stored: Mutex<Stored>,
}

impl Objects {
    /// The object's kind and contents.
    pub(super) fn get(&self, id: &oid) -> Option<(Kind, Arc<[u8]>)> {
        self.stored().get(id).cloned()
    }

    /// All hashes that begin with `prefix`, which is written in hex.
    pub(super) fn starting_with(&self, prefix: &str) -> Vec<(ObjectId, Kind)> {
        let stored = self.stored();
        let all = stored.iter().map(|(id, (kind, _))| (*id, *kind));
        all.filter(|(id, _)| id.to_string().starts_with(prefix)).collect()
    }

    fn stored(&self) -> MutexGuard<'_, Stored> {
        self.stored.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Clone for Objects {
    fn clone(&self) -> Self {
        Self { stored: Mutex::new(self.stored().clone()) }
    }
}

impl Find for Objects {
    fn try_find<'a>(&self, id: &oid, buffer: &'a mut Vec<u8>) -> gix::Result<Option<Data<'a>>> {
        let Some((kind, contents)) = self.get(id) else { return Ok(None) };
        buffer.clear();
        buffer.extend_from_slice(&contents);
        Ok(Some(Data { kind, object_hash: HashKind::Sha1, data: buffer }))
    }
}

impl FindHeader for Objects {
    fn try_header(&self, id: &oid) -> gix::Result<Option<Header>> {
        Ok(self.get(id).map(|(kind, contents)| Header { kind, size: contents.len() as u64 }))
    }
}

impl Write for Objects {
    fn write_buf(&self, kind: Kind, from: &[u8]) -> gix::Result<ObjectId> {
        let id = compute_hash(HashKind::Sha1, kind, from)?;
        self.write_buf_with_known_id(kind, from, id)
    }

    fn write_buf_with_known_id(
        &self,
        kind: Kind,
        from: &[u8],
        id: ObjectId,
    ) -> gix::Result<ObjectId> {
        self.stored().entry(id).or_insert_with(|| (kind, Arc::from(from)));
        Ok(id)
    }

    fn write_stream(
        &self,
        kind: Kind,
        _size: u64,
        from: &mut dyn io::Read,
    ) -> gix::Result<ObjectId> {
        self.write_buf(kind, &read_whole(from)?)
    }

    fn write_stream_with_known_id(
        &self,
        kind: Kind,
        _size: u64,
        from: &mut dyn io::Read,
        id: ObjectId,
    ) -> gix::Result<ObjectId> {
        self.write_buf_with_known_id(kind, &read_whole(from)?, id)
    }
}

fn read_whole(from: &mut dyn io::Read) -> gix::Result<Vec<u8>> {
    let mut contents = Vec::new();
    from.read_to_end(&mut contents).map_err(gix::Error::from_error)?;
    Ok(contents)
}

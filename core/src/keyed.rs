//! The one hash table of the core: keyed from the seed, and without iteration.
//!
//! A hash table's order depends on its keys and history. Nothing that reaches an output may depend
//! on it, so [`KeyedMap`] offers no way to walk its entries; who needs an order keeps a list or a
//! `BTreeMap`. SipHash with a secret key keeps remote hosts from choosing colliding addresses and ports.
#![allow(clippy::disallowed_types, reason = "the one place that may name a hash table: it is keyed and never walked")]

use core::hash::{BuildHasher, Hash};
use hashbrown::HashMap;
use siphasher::sip::SipHasher13;

/// The key of a [`KeyedMap`]'s hash, drawn from the seed.
#[derive(Clone, Copy)]
pub(crate) struct HashKey(pub(crate) [u8; 16]);

impl BuildHasher for HashKey {
    type Hasher = SipHasher13;

    fn build_hasher(&self) -> SipHasher13 {
        SipHasher13::new_with_key(&self.0)
    }
}

/// A hash table without iteration; see the module.
#[derive(Clone)]
pub(crate) struct KeyedMap<K, V> {
    map: HashMap<K, V, HashKey>,
}

impl<K: Eq + Hash, V> KeyedMap<K, V> {
    pub(crate) fn new(key: HashKey) -> KeyedMap<K, V> {
        KeyedMap { map: HashMap::with_hasher(key) }
    }

    pub(crate) fn get(&self, key: &K) -> Option<&V> {
        self.map.get(key)
    }

    pub(crate) fn insert(&mut self, key: K, value: V) -> Option<V> {
        self.map.insert(key, value)
    }

    pub(crate) fn remove(&mut self, key: &K) -> Option<V> {
        self.map.remove(key)
    }

    pub(crate) fn contains(&self, key: &K) -> bool {
        self.map.contains_key(key)
    }
}

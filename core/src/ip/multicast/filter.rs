//! Whose packets a socket, or an interface, wants of a group: the filter mode and source list of
//! RFC 3376 section 3 and RFC 3810 section 4.

use alloc::vec::Vec;
use core::net::IpAddr;

use crate::digest::Digest;

/// What a source list means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum FilterMode {
    /// Packets of these sources are wanted.
    Include,
    /// Packets of all sources but these are wanted.
    Exclude,
}

/// Whose packets of a group are wanted. `INCLUDE {}` wants none and stands for not listening at all.
#[derive(Clone, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
#[cfg_attr(feature = "serde", serde(from = "(FilterMode, Vec<IpAddr>)", into = "(FilterMode, Vec<IpAddr>)"))]
pub struct SourceFilter {
    mode: FilterMode,
    /// In order, each once.
    sources: Vec<IpAddr>,
}

impl SourceFilter {
    /// Nobody's packets: the group is not listened to.
    pub const NONE: SourceFilter = SourceFilter { mode: FilterMode::Include, sources: Vec::new() };
    /// Everybody's packets: what a join without sources asks for.
    pub const ALL: SourceFilter = SourceFilter { mode: FilterMode::Exclude, sources: Vec::new() };

    /// Packets of these sources only.
    pub fn include(sources: impl IntoIterator<Item = IpAddr>) -> SourceFilter {
        SourceFilter::new(FilterMode::Include, sources)
    }

    /// Packets of all sources but these.
    pub fn exclude(sources: impl IntoIterator<Item = IpAddr>) -> SourceFilter {
        SourceFilter::new(FilterMode::Exclude, sources)
    }

    fn new(mode: FilterMode, sources: impl IntoIterator<Item = IpAddr>) -> SourceFilter {
        let mut sources: Vec<IpAddr> = sources.into_iter().collect();
        sources.sort_unstable();
        sources.dedup();
        SourceFilter { mode, sources }
    }

    /// What the source list means.
    pub const fn mode(&self) -> FilterMode {
        self.mode
    }

    /// The source list, in order.
    pub fn sources(&self) -> &[IpAddr] {
        &self.sources
    }

    /// Whether a source stands in the list.
    pub fn lists(&self, source: IpAddr) -> bool {
        self.sources.binary_search(&source).is_ok()
    }

    /// Whether packets of `source` are wanted.
    pub fn accepts(&self, source: IpAddr) -> bool {
        self.lists(source) == (self.mode == FilterMode::Include)
    }

    /// Whether no packets are wanted.
    pub fn is_none(&self) -> bool {
        self.mode == FilterMode::Include && self.sources.is_empty()
    }

    /// The filter with `source` put into the list, or taken out of it.
    #[must_use]
    pub(crate) fn listing(&self, source: IpAddr, listed: bool) -> SourceFilter {
        let mut filter = self.clone();
        match filter.sources.binary_search(&source) {
            Ok(at) if !listed => {
                filter.sources.remove(at);
            }
            Err(at) if listed => filter.sources.insert(at, source),
            _ => {}
        }
        filter
    }

    /// The interface's filter that satisfies all of `filters` (RFC 3376 section 3.2, RFC 3810 section
    /// 4.2): with one in EXCLUDE mode the sources that all of those exclude and none of the others
    /// includes; else the union of what is included.
    pub(crate) fn merged<'a>(filters: &(impl Iterator<Item = &'a SourceFilter> + Clone)) -> SourceFilter {
        let of_mode = |mode| filters.clone().filter(move |filter: &&SourceFilter| filter.mode == mode);
        let includes = of_mode(FilterMode::Include);
        let mut excludes = of_mode(FilterMode::Exclude);
        match excludes.next() {
            None => SourceFilter::include(includes.flat_map(|filter| filter.sources.iter().copied())),
            Some(first) => {
                let mut merged = first.clone();
                merged.sources.retain(|source| {
                    excludes.clone().all(|filter| filter.lists(*source))
                        && !includes.clone().any(|filter| filter.lists(*source))
                });
                merged
            }
        }
    }

    /// The sources that stand in one of two lists only.
    pub(crate) fn differences(&self, other: &SourceFilter) -> Vec<IpAddr> {
        let ours = self.sources.iter().filter(|source| !other.lists(**source));
        let theirs = other.sources.iter().filter(|source| !self.lists(**source));
        ours.chain(theirs).copied().collect()
    }

    pub(crate) fn digest(&self, digest: &mut Digest) {
        digest.u8(self.mode as u8);
        digest.count(self.sources.len());
        for source in &self.sources {
            digest.address(*source);
        }
    }
}

impl From<(FilterMode, Vec<IpAddr>)> for SourceFilter {
    fn from((mode, sources): (FilterMode, Vec<IpAddr>)) -> SourceFilter {
        SourceFilter::new(mode, sources)
    }
}

impl From<SourceFilter> for (FilterMode, Vec<IpAddr>) {
    fn from(filter: SourceFilter) -> (FilterMode, Vec<IpAddr>) {
        (filter.mode, filter.sources)
    }
}

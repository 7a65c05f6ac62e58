//! `--state FILE`: who this host is, kept from one start to the next.
//!
//! The file is JSON: the hardware address, and what the core's `Identity` holds. Times are milliseconds
//! from `saved_at_unix_ms` on, `null` for "never". It holds the secret of the stable addresses (RFC
//! 7217), so it is for its owner only (mode 0600), and is replaced whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, Ipv6Addr};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tickwire_core::identity::DadCounter;
use tickwire_core::wire::ethernet::EthernetAddress;
use tickwire_core::{
    Dhcpv4Binding, Dhcpv4Route, Dhcpv4Settings, Dhcpv6Binding, Duid, Iaid, Identity, SavedAssociation, SavedLease,
    SavedLinkLocal,
};

use super::Failure;

/// What the file says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) hardware_address: EthernetAddress,
    pub(crate) identity: Identity,
}

/// Reads the file, and lets the time since it was written pass: what has expired is not in it any more.
/// `None` if there is none yet. One that cannot be understood is reported and set aside.
///
/// # Errors
///
/// The file is there, and cannot be read or set aside.
pub(crate) fn load(path: &Path) -> Result<Option<State>, Failure> {
    let text = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(Failure::new(format!("--state {}: cannot read it: {error}", path.display()))),
    };
    let now = unix_time();
    match parse(&text, now) {
        Ok(state) => Ok(Some(state)),
        Err(what) => {
            let mut aside = path.as_os_str().to_owned();
            aside.push(".damaged");
            fs::rename(path, &aside)
                .map_err(|error| Failure::new(format!("--state {}: cannot set it aside: {error}", path.display())))?;
            eprintln!(
                "tickwire: --state {}: {what}; it is kept as {}, and this start is a first one",
                path.display(),
                PathBuf::from(aside).display()
            );
            Ok(None)
        }
    }
}

/// Replaces the file: a reader sees the old one or the new one, never half of one.
pub(crate) fn save(path: &Path, state: &State) -> io::Result<()> {
    let mut name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?.to_owned();
    name.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(name);
    let text = format!("{:#}\n", to_json(state, unix_time()));
    let written = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&beside)
        .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&beside, path))
        .and_then(|()| sync_folder(path));
    if written.is_err() {
        // What is left of the attempt; that it may not even be there is no further error.
        let _ = fs::remove_file(&beside);
    }
    written
}

/// The new name has to outlive a loss of power too.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

fn unix_time() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default()
}

fn to_json(state: &State, now: Duration) -> Value {
    let identity = &state.identity;
    json!({
        "tickwire_state": 1,
        "saved_at_unix_ms": now.as_millis() as u64,
        "hardware_address": state.hardware_address.to_string(),
        "secret": hex(&identity.secret),
        "dad_counters": identity.dad_counters.iter().map(|entry| json!({
            "interface": entry.interface, "prefix": entry.prefix.to_string(), "counter": entry.counter,
        })).collect::<Vec<_>>(),
        "duid": identity.duid.as_ref().map(ToString::to_string),
        "iaids": identity.iaids.iter().map(|known| json!({
            "interface": known.interface, "iaid": known.iaid,
        })).collect::<Vec<_>>(),
        "dhcpv6": identity.dhcpv6.iter().map(|binding| json!({
            "interface": binding.interface,
            "server": binding.server.to_string(),
            "addresses": association_to_json(&binding.addresses),
            "prefixes": association_to_json(&binding.prefixes),
        })).collect::<Vec<_>>(),
        "dhcpv4": identity.dhcpv4.iter().map(dhcpv4_to_json).collect::<Vec<_>>(),
        "link_locals": identity.link_locals.iter().map(|saved| json!({
            "interface": saved.interface, "address": saved.address.to_string(),
        })).collect::<Vec<_>>(),
    })
}

fn dhcpv4_to_json(binding: &Dhcpv4Binding) -> Value {
    let millis = |time: Option<Duration>| time.map(|time| time.as_millis() as u64);
    let addresses = |list: &[Ipv4Addr]| list.iter().map(ToString::to_string).collect::<Vec<_>>();
    let settings = &binding.settings;
    json!({
        "interface": binding.interface,
        "address": binding.address.to_string(),
        "prefix_len": binding.prefix_len,
        "server": binding.server.to_string(),
        "station": binding.station.to_string(),
        "router_station": binding.router_station.map(|station| station.to_string()),
        "renew_ms": millis(binding.renew),
        "rebind_ms": millis(binding.rebind),
        "valid_ms": millis(binding.valid),
        "routers": addresses(&settings.routers),
        "routes": settings.routes.iter().map(|route| json!({
            "prefix": route.prefix.to_string(),
            "prefix_len": route.prefix_len,
            "gateway": route.gateway.map(|gateway| gateway.to_string()),
        })).collect::<Vec<_>>(),
        "dns_servers": addresses(&settings.dns_servers),
        "ntp_servers": addresses(&settings.ntp_servers),
        "domain": settings.domain,
        "search": settings.search,
        "mtu": settings.mtu,
    })
}

fn association_to_json(association: &SavedAssociation) -> Value {
    let millis = |time: Option<Duration>| time.map(|time| time.as_millis() as u64);
    json!({
        "renew_ms": millis(association.renew),
        "rebind_ms": millis(association.rebind),
        "leases": association.leases.iter().map(|lease| json!({
            "prefix": lease.prefix.to_string(),
            "prefix_len": lease.prefix_len,
            "preferred_ms": millis(lease.preferred),
            "valid_ms": millis(lease.valid),
        })).collect::<Vec<_>>(),
    })
}

/// What the text says, as it is at `now`; or what is wrong with it.
fn parse(text: &[u8], now: Duration) -> Result<State, String> {
    let value: Value = serde_json::from_slice(text).map_err(|error| format!("not JSON: {error}"))?;
    let root = Place { value: &value, path: String::new() };
    let version = root.field("tickwire_state").number::<u64>()?;
    if version != 1 {
        return Err(format!("tickwire_state is {version}; this version understands 1"));
    }
    let saved_at = Duration::from_millis(root.field("saved_at_unix_ms").number()?);
    let mut identity = Identity::new(root.field("secret").bytes()?.try_into().map_err(|_| "secret is not 16 bytes")?);
    identity.dad_counters = root.field("dad_counters").list(|entry| {
        Ok(DadCounter {
            interface: entry.field("interface").number()?,
            prefix: entry.field("prefix").parse("an IPv6 address")?,
            counter: entry.field("counter").number()?,
        })
    })?;
    identity.duid = root.field("duid").optional(Place::duid)?;
    identity.iaids = root.field("iaids").list(|entry| {
        Ok(Iaid { interface: entry.field("interface").number()?, iaid: entry.field("iaid").number()? })
    })?;
    identity.dhcpv6 = root.field("dhcpv6").list(|binding| {
        Ok(Dhcpv6Binding {
            interface: binding.field("interface").number()?,
            server: binding.field("server").duid()?,
            addresses: binding.field("addresses").association()?,
            prefixes: binding.field("prefixes").association()?,
        })
    })?;
    identity.dhcpv4 = root.field("dhcpv4").list(Place::dhcpv4)?;
    identity.link_locals = root.field("link_locals").list(|saved| {
        Ok(SavedLinkLocal {
            interface: saved.field("interface").number()?,
            address: saved.field("address").parse("an IPv4 address")?,
        })
    })?;
    // A clock that was set back says nothing about how long it was.
    identity.pass(now.saturating_sub(saved_at));
    let hardware_address: EthernetAddress = root.field("hardware_address").parse("a hardware address")?;
    if !hardware_address.is_unicast() {
        return Err(format!("hardware_address is {hardware_address}, a group's"));
    }
    Ok(State { hardware_address, identity })
}

/// A value, and where in the file it stands.
struct Place<'a> {
    value: &'a Value,
    path: String,
}

impl<'a> Place<'a> {
    /// The field `name`, or `null` if there is none.
    fn field(&self, name: &str) -> Place<'a> {
        let dot = if self.path.is_empty() { "" } else { "." };
        Place { value: &self.value[name], path: format!("{}{dot}{name}", self.path) }
    }

    fn wrong<T>(&self, right: &str) -> Result<T, String> {
        Err(format!("{} is {}; right would be {right}", self.path, self.value))
    }

    fn number<N: TryFrom<u64>>(&self) -> Result<N, String> {
        let number = self.value.as_u64().and_then(|number| N::try_from(number).ok());
        number.map_or_else(|| self.wrong("a number that fits"), Ok)
    }

    fn parse<T: std::str::FromStr>(&self, right: &str) -> Result<T, String> {
        let value = self.value.as_str().and_then(|text| text.parse().ok());
        value.map_or_else(|| self.wrong(right), Ok)
    }

    fn bytes(&self) -> Result<Vec<u8>, String> {
        let bytes = self.value.as_str().and_then(unhex);
        // It may be the secret: it is not told.
        bytes.ok_or_else(|| format!("{} is not made of pairs of hexadecimal digits", self.path))
    }

    fn duid(&self) -> Result<Duid, String> {
        Duid::from_bytes(&self.bytes()?).map_or_else(|| self.wrong("3 to 130 bytes in hexadecimal digits"), Ok)
    }

    fn optional<T>(&self, read: impl FnOnce(&Place<'a>) -> Result<T, String>) -> Result<Option<T>, String> {
        if self.value.is_null() { Ok(None) } else { read(self).map(Some) }
    }

    fn time(&self) -> Result<Option<Duration>, String> {
        self.optional(|place| place.number().map(Duration::from_millis))
    }

    /// Empty if it is not there.
    fn list<T>(&self, read: impl Fn(&Place<'a>) -> Result<T, String>) -> Result<Vec<T>, String> {
        match self.value {
            Value::Null => Ok(Vec::new()),
            Value::Array(list) => {
                let places = list.iter().enumerate();
                places.map(|(at, value)| read(&Place { value, path: format!("{}[{at}]", self.path) })).collect()
            }
            _ => self.wrong("a list"),
        }
    }

    fn prefix_len(&self, max: u8) -> Result<u8, String> {
        let len = self.number::<u8>()?;
        if len <= max { Ok(len) } else { self.wrong(&format!("0 to {max}")) }
    }

    fn dhcpv4(&self) -> Result<Dhcpv4Binding, String> {
        let address = |place: &Place<'_>| place.parse::<Ipv4Addr>("an IPv4 address");
        let station = |place: &Place<'_>| place.parse::<EthernetAddress>("a hardware address");
        let text = |place: &Place<'_>| place.parse::<String>("text");
        Ok(Dhcpv4Binding {
            interface: self.field("interface").number()?,
            address: address(&self.field("address"))?,
            prefix_len: self.field("prefix_len").prefix_len(32)?,
            server: address(&self.field("server"))?,
            station: station(&self.field("station"))?,
            router_station: self.field("router_station").optional(station)?,
            renew: self.field("renew_ms").time()?,
            rebind: self.field("rebind_ms").time()?,
            valid: self.field("valid_ms").time()?,
            settings: Dhcpv4Settings {
                routers: self.field("routers").list(address)?,
                routes: self.field("routes").list(|route| {
                    Ok(Dhcpv4Route {
                        prefix: address(&route.field("prefix"))?,
                        prefix_len: route.field("prefix_len").prefix_len(32)?,
                        gateway: route.field("gateway").optional(address)?,
                    })
                })?,
                dns_servers: self.field("dns_servers").list(address)?,
                ntp_servers: self.field("ntp_servers").list(address)?,
                domain: self.field("domain").optional(text)?,
                search: self.field("search").list(text)?,
                mtu: self.field("mtu").optional(Place::number)?,
            },
        })
    }

    fn association(&self) -> Result<SavedAssociation, String> {
        Ok(SavedAssociation {
            renew: self.field("renew_ms").time()?,
            rebind: self.field("rebind_ms").time()?,
            leases: self.field("leases").list(|lease| {
                Ok(SavedLease {
                    prefix: lease.field("prefix").parse::<Ipv6Addr>("an IPv6 address")?,
                    prefix_len: lease.field("prefix_len").prefix_len(128)?,
                    preferred: lease.field("preferred_ms").time()?,
                    valid: lease.field("valid_ms").time()?,
                })
            })?,
        })
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().concat()
}

fn unhex(text: &str) -> Option<Vec<u8>> {
    let pairs = text.as_bytes().chunks(2).map(|pair| {
        let pair = std::str::from_utf8(pair).ok().filter(|pair| pair.len() == 2)?;
        u8::from_str_radix(pair, 16).ok()
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    fn state() -> State {
        let hour = Duration::from_hours(1);
        let lease = |prefix: &str, prefix_len| SavedLease {
            prefix: prefix.parse().expect("an address"),
            prefix_len,
            preferred: Some(hour / 2),
            valid: Some(hour),
        };
        let mut identity = Identity::new([0xab; 16]);
        identity.dad_counters.push(DadCounter { interface: 0, prefix: Ipv6Addr::LOCALHOST, counter: 2 });
        identity.duid = Duid::from_bytes(&[0, 3, 0, 1, 2, 0, 0, 0, 0, 2]);
        identity.iaids.push(Iaid { interface: 0, iaid: 7 });
        identity.dhcpv6.push(Dhcpv6Binding {
            interface: 0,
            server: Duid::from_bytes(&[0, 2, 9]).expect("a DUID"),
            addresses: SavedAssociation {
                leases: vec![lease("2001:db8::7", 128)],
                renew: Some(hour / 4),
                rebind: Some(hour / 2),
            },
            prefixes: SavedAssociation {
                leases: vec![SavedLease { preferred: None, valid: None, ..lease("2001:db8:1::", 56) }],
                renew: None,
                rebind: None,
            },
        });
        let router = Ipv4Addr::new(192, 0, 2, 1);
        identity.dhcpv4.push(Dhcpv4Binding {
            interface: 0,
            address: Ipv4Addr::new(192, 0, 2, 50),
            prefix_len: 24,
            server: router,
            station: EthernetAddress([2, 0, 0, 0, 0, 1]),
            router_station: Some(EthernetAddress([2, 0, 0, 0, 0, 1])),
            renew: Some(hour / 4),
            rebind: Some(hour / 2),
            valid: Some(hour),
            settings: Dhcpv4Settings {
                routers: vec![router],
                routes: vec![Dhcpv4Route { prefix: [0; 4].into(), prefix_len: 0, gateway: Some(router) }],
                dns_servers: vec![router],
                ntp_servers: Vec::new(),
                domain: Some("example.org".to_owned()),
                search: vec!["example.org".to_owned()],
                mtu: Some(1400),
            },
        });
        identity.link_locals.push(SavedLinkLocal { interface: 0, address: [169, 254, 20, 20].into() });
        State { hardware_address: EthernetAddress([2, 0, 0, 0, 0, 2]), identity }
    }

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("tickwire-state-{}-{name}", std::process::id()));
        fs::create_dir(&folder).expect("a folder of this test's own");
        folder
    }

    #[test]
    fn what_is_written_is_read() {
        let now = Duration::from_secs(1_000_000);
        let text = to_json(&state(), now).to_string();
        assert_eq!(parse(text.as_bytes(), now), Ok(state()));
        // An hour later the address has expired, and the prefix has not.
        let later = parse(text.as_bytes(), now + Duration::from_hours(1)).expect("it is the same");
        assert!(later.identity.dhcpv6[0].addresses.leases.is_empty());
        assert_eq!(later.identity.dhcpv6[0].prefixes.leases.len(), 1);
        assert!(later.identity.dhcpv4.is_empty());
        // A clock that was set back changes nothing.
        assert_eq!(parse(text.as_bytes(), Duration::ZERO), Ok(state()));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let good = to_json(&state(), Duration::ZERO);
        assert!(parse(b"{", Duration::ZERO).expect_err("half of it").contains("not JSON"));
        let changes: [(&str, Value, &str); 12] = [
            ("/tickwire_state", json!(2), "tickwire_state is 2"),
            ("/secret", json!("zz"), "secret"),
            ("/secret", json!("ab"), "secret is not 16 bytes"),
            ("/hardware_address", json!("01:00:5e:00:00:01"), "hardware_address"),
            ("/duid", json!("00"), "duid"),
            ("/iaids/0/iaid", json!(-1), "iaids[0].iaid is -1"),
            ("/dhcpv6/0/addresses/leases/0/prefix_len", json!(129), "dhcpv6[0].addresses.leases[0].prefix_len is 129"),
            ("/dhcpv6/0/server", json!(null), "dhcpv6[0].server"),
            ("/dhcpv4/0/address", json!("192.0.2"), "dhcpv4[0].address"),
            ("/dhcpv4/0/prefix_len", json!(33), "dhcpv4[0].prefix_len is 33"),
            ("/link_locals/0/address", json!("fe80::1"), "link_locals[0].address"),
            ("/dhcpv4/0/routes/0/gateway", json!(7), "dhcpv4[0].routes[0].gateway"),
        ];
        for (pointer, value, named) in changes {
            let mut wrong = good.clone();
            *wrong.pointer_mut(pointer).expect("it is there") = value;
            let error = parse(wrong.to_string().as_bytes(), Duration::ZERO).expect_err(named);
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn a_file_is_its_owners_and_replaced_whole() {
        let folder = folder("replaced");
        let path = folder.join("state.json");
        assert!(load(&path).expect("none is no error").is_none());
        for _ in 0..2 {
            save(&path, &state()).expect("written");
            let mode = fs::metadata(&path).expect("it is there").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert_eq!(fs::read_dir(&folder).expect("it is there").count(), 1);
        let loaded = load(&path).expect("it can be read").expect("it is there");
        assert_eq!((loaded.hardware_address, loaded.identity.duid), (state().hardware_address, state().identity.duid));
        assert!(save(&folder.join("no/such/folder"), &state()).is_err());
        fs::remove_dir_all(&folder).expect("removed");
    }

    #[test]
    fn a_damaged_file_is_set_aside() {
        let folder = folder("damaged");
        let path = folder.join("state.json");
        fs::write(&path, "{\"tickwire_state\":").expect("written");
        assert!(load(&path).expect("it is set aside").is_none());
        assert!(!path.exists() && folder.join("state.json.damaged").exists());
        fs::remove_dir_all(&folder).expect("removed");
    }
}

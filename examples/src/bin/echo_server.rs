//! A TCP echo server on a TAP interface: the kernel, and whatever the interface is bridged to, can
//! talk to it.
//!
//! ```text
//! sudo ip tuntap add dev tap7 mode tap user $USER
//! sudo ip address add 192.0.2.1/24 dev tap7
//! sudo ip link set tap7 up
//! cargo run -p tickwire-examples --bin echo_server -- tap7 192.0.2.2/24 &
//! nc 192.0.2.2 7
//! ```
#![forbid(unsafe_code)]

#[cfg(target_os = "linux")]
fn main() -> Result<(), Box<dyn std::error::Error>> {
    linux::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {
    eprintln!("the driver runs on Linux");
}

#[cfg(target_os = "linux")]
mod linux {
    use std::error::Error;
    use std::io::{self, Read as _, Write as _};
    use std::net::{IpAddr, SocketAddr};
    use std::thread;

    use tickwire_backends::driver::{Driver, Loop, random_hardware_address};
    use tickwire_backends::net::{TcpListener, TcpStream};
    use tickwire_backends::tap::Tap;
    use tickwire_core::{Config, InterfaceAddress};

    const USAGE: &str = "echo_server TAP ADDRESS/PREFIX, as in: echo_server tap7 192.0.2.2/24";

    pub(crate) fn main() -> Result<(), Box<dyn Error>> {
        let mut arguments = std::env::args().skip(1);
        let (Some(name), Some(address)) = (arguments.next(), arguments.next()) else { return Err(USAGE.into()) };
        let (address, prefix_len) = address.split_once('/').ok_or(USAGE)?;
        let address: IpAddr = address.parse()?;

        let mut turns = Loop::new(Config::default(), None)?;
        let own = InterfaceAddress { address, prefix_len: prefix_len.parse()? };
        turns.add_device(Tap::open(&name, 1500)?, random_hardware_address()?, &[own])?;
        let driver = Driver::spawn(turns)?;

        let listener = TcpListener::bind(&driver.handle(), SocketAddr::new(address, 7))?;
        println!("ready {name} {address} port 7");
        for stream in listener.incoming() {
            let stream = stream?;
            let peer = stream.peer_addr()?;
            // A thread each, as one would with std; the stack is shared by all of them.
            thread::spawn(move || match echo(stream) {
                Ok(len) => println!("{peer}: {len} bytes echoed"),
                Err(error) => println!("{peer}: {error}"),
            });
        }
        Ok(())
    }

    /// Sends back all that arrives, until the peer has sent all; returns how much that was.
    fn echo(mut stream: TcpStream) -> io::Result<u64> {
        let mut buffer = vec![0; 64 * 1024];
        let mut echoed = 0;
        loop {
            let len = stream.read(&mut buffer)?;
            if len == 0 {
                return Ok(echoed);
            }
            stream.write_all(&buffer[..len])?;
            echoed += len as u64;
        }
    }
}

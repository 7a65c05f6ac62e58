//! A TCP echo server and its client, each on a stack of its own. The two stacks are joined by a pair
//! of devices in memory; each has a driver, which is a thread with a clock. Neither knows that the
//! other is in the same process.
//!
//! ```text
//!   client thread          main's thread (server)
//!   TcpStream              TcpListener, TcpStream       sockets, as in std::net
//!   stack 192.0.2.2        stack 192.0.2.1              tickwire-core
//!   driver thread          driver thread                tickwire-backends
//!   pair0 ================ pair1                        frames
//! ```
#![forbid(unsafe_code)]

#[cfg(target_os = "linux")]
fn main() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
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
    use std::net::{Ipv4Addr, Shutdown, SocketAddr};
    use std::thread;
    use std::time::Duration;

    use tickwire_backends::driver::{Driver, Loop};
    use tickwire_backends::net::{TcpListener, TcpStream};
    use tickwire_backends::pair::{PairDevice, pair};
    use tickwire_core::wire::ethernet::EthernetAddress;
    use tickwire_core::{Config, InterfaceAddress};

    type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

    const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
    const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

    pub(crate) fn main() -> Result<()> {
        let (near, far) = pair(1500)?;
        let client = start(near, CLIENT)?;
        let server = start(far, SERVER)?;

        let address = SocketAddr::from((SERVER, 7));
        let listener = TcpListener::bind(&server.handle(), address)?;
        let stack = client.handle();
        let asking = thread::spawn(move || ask(TcpStream::connect(&stack, address)?));
        let (stream, peer) = listener.accept()?;
        println!("server: a connection from {peer}");
        echo(stream)?;
        asking.join().map_err(|_| "the client panicked")??;

        // Closes what is open in an orderly way; dropping a driver would reset it.
        client.shutdown(Duration::from_secs(2))?;
        server.shutdown(Duration::from_secs(2))?;
        Ok(())
    }

    /// A stack on `device`, with a thread that drives it.
    fn start(device: PairDevice, address: Ipv4Addr) -> Result<Driver> {
        // No seed: it comes from the system's entropy.
        let mut turns = Loop::new(Config::default(), None)?;
        // Locally administered, and different at both ends.
        let hardware_address = EthernetAddress([2, 0, 0, 0, 0, address.octets()[3]]);
        turns.add_device(device, hardware_address, &[InterfaceAddress::v4(address, 24)])?;
        Ok(Driver::spawn(turns)?)
    }

    /// Sends back all that arrives, until the peer has sent all.
    fn echo(mut stream: TcpStream) -> io::Result<()> {
        let mut buffer = [0; 16 * 1024];
        loop {
            match stream.read(&mut buffer)? {
                0 => return Ok(()),
                len => stream.write_all(&buffer[..len])?,
            }
        }
    }

    /// Sends some lines, and prints what comes back.
    fn ask(mut stream: TcpStream) -> io::Result<()> {
        for line in ["hello\n", "from one stack\n", "to another\n"] {
            stream.write_all(line.as_bytes())?;
        }
        // A FIN: the server's read returns 0 once it has read all, and it closes as well.
        stream.shutdown(Shutdown::Write)?;
        let mut echoed = String::new();
        stream.read_to_string(&mut echoed)?;
        print!("client: echoed\n{echoed}");
        Ok(())
    }
}

//! The asynchronous service of this crate (`src/service.rs`) and three clients of it, as tasks of one tokio
//! runtime on one thread. The service runs on one stack, the clients on another; the two are joined by a pair
//! of devices in memory, and each has a driver, which is a thread with a clock.
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
    use std::net::{Ipv4Addr, SocketAddr};
    use std::time::Duration;

    use tickwire_backends::driver::{Driver, Loop};
    use tickwire_backends::pair::{PairDevice, pair};
    use tickwire_core::wire::ethernet::EthernetAddress;
    use tickwire_core::{Config, InterfaceAddress};
    use tickwire_examples::service::{ask, serve};

    type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

    const SERVER: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 1);
    const CLIENT: Ipv4Addr = Ipv4Addr::new(192, 0, 2, 2);

    #[tokio::main(flavor = "current_thread")]
    pub(crate) async fn main() -> Result<()> {
        let (near, far) = pair(1500)?;
        let client = start(near, CLIENT)?;
        let server = start(far, SERVER)?;

        let address = SocketAddr::from((SERVER, 7));
        let serving = tokio::spawn(serve(server.handle(), address));
        // The service listens once it has run for the first time.
        tokio::task::yield_now().await;
        let asking = ["hello\n", "from three tasks\n", "on one thread\n"].map(|line| {
            let handle = client.handle();
            tokio::spawn(async move { ask(handle, address, line).await })
        });
        for answer in asking {
            print!("client: echoed {}", answer.await??);
        }
        serving.abort();

        // Closes what is open in an orderly way; dropping a driver would reset it.
        client.shutdown(Duration::from_secs(2))?;
        server.shutdown(Duration::from_secs(2))?;
        Ok(())
    }

    /// A stack on `device`, with a thread that drives it.
    fn start(device: PairDevice, address: Ipv4Addr) -> Result<Driver> {
        let mut turns = Loop::new(Config::default(), None)?;
        let hardware_address = EthernetAddress([2, 0, 0, 0, 0, address.octets()[3]]);
        turns.add_device(device, hardware_address, &[InterfaceAddress::v4(address, 24)])?;
        Ok(Driver::spawn(turns)?)
    }
}

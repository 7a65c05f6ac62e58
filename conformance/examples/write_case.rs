//! Makes `case.pcapng` from `case.script`, in each folder named:
//! `cargo run -p tickwire-conformance --example write_case conformance/cases/*`

use std::error::Error;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    for folder in std::env::args_os().skip(1) {
        let folder = Path::new(&folder);
        let bytes = tickwire_conformance::script::capture(folder)?;
        let path = folder.join("case.pcapng");
        std::fs::write(&path, &bytes)?;
        println!("{}: {} bytes", path.display(), bytes.len());
    }
    Ok(())
}

//! What the crate `pcap` finds: devices, a savefile, a copy of it, a live capture.
//! usage: INTERFACE SAVEFILE COPY

use pcap::{Capture, Device, Error};

fn main() -> Result<(), Error> {
    let [interface, savefile, copy]: [String; 3] =
        std::env::args().skip(1).collect::<Vec<_>>().try_into().expect("three arguments");

    let mut devices = Device::list()?;
    devices.sort_by(|a, b| a.name.cmp(&b.name));
    for device in devices {
        println!("device {} {:?} {:?}", device.name, device.flags, device.addresses);
    }

    let mut reader = Capture::from_file(&savefile)?;
    println!("linktype {:?} {:?}", reader.get_datalink(), reader.get_datalink().get_name());
    reader.filter("udp dst port 9", true)?;
    println!("refused {}", reader.filter("nonsense (", true).is_err());
    let mut dumper = reader.savefile(copy)?;
    loop {
        match reader.next_packet() {
            Ok(packet) => {
                println!("read {:?}", packet.header);
                dumper.write(&packet);
            }
            Err(Error::NoMorePackets) => break,
            Err(error) => return Err(error),
        }
    }
    dumper.flush()?;

    let inactive = Capture::from_device(interface.as_str())?.promisc(true).snaplen(100);
    let mut live = inactive.timeout(100).immediate_mode(true).open()?;
    live.filter("udp dst port 9 and src port 4000", true)?;
    let mut wanted = 3;
    while wanted > 0 {
        match live.next_packet() {
            Ok(packet) => {
                println!("live {:?} {:?}", packet.header.len, packet.data.get(42..47));
                wanted -= 1;
            }
            Err(Error::TimeoutExpired) => {}
            Err(error) => return Err(error),
        }
    }
    live.sendpacket(&[0xff; 60][..])?;
    println!("dropped {}", live.stats()?.dropped);
    let mut live = live.setnonblock()?;
    println!("nonblock {:?}", live.is_nonblock());
    live.filter("less 1", true)?;
    println!("nothing {:?}", live.next_packet().is_err());
    Ok(())
}

//! The loopback interface: one netlink message that brings it up. No other networking is set up here.

use std::io::{Error, ErrorKind, Result};
use std::os::fd::AsRawFd;

use nix::sys::socket::{self, AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType};

const RTM_NEWLINK: u16 = 16;
const NLM_F_REQUEST_ACK: u16 = 0x1 | 0x4;
const NLMSG_ERROR: u16 = 2;
const IFF_UP: u32 = 1;
/// The kernel numbers interfaces from 1, and every network namespace starts with `lo`.
const LOOPBACK: i32 = 1;

/// Brings `lo` up.
pub(crate) fn up() -> Result<()> {
    let netlink =
        socket::socket(AddressFamily::Netlink, SockType::Raw, SockFlag::SOCK_CLOEXEC, SockProtocol::NetlinkRoute)?;
    let kernel = NetlinkAddr::new(0, 0);
    socket::sendto(netlink.as_raw_fd(), &request(), &kernel, MsgFlags::empty())?;
    let mut answer = [0; 256];
    let length = socket::recv(netlink.as_raw_fd(), &mut answer, MsgFlags::empty())?;
    acknowledged(&answer[..length])
}

/// `nlmsghdr` and `ifinfomsg` of `<linux/netlink.h>` and `<linux/rtnetlink.h>`, in the machine's byte order.
fn request() -> Vec<u8> {
    let mut message = Vec::with_capacity(32);
    message.extend(32u32.to_ne_bytes());
    message.extend(RTM_NEWLINK.to_ne_bytes());
    message.extend(NLM_F_REQUEST_ACK.to_ne_bytes());
    message.extend(1u32.to_ne_bytes());
    message.extend(0u32.to_ne_bytes());
    message.extend([0; 4]);
    message.extend(LOOPBACK.to_ne_bytes());
    message.extend(IFF_UP.to_ne_bytes());
    message.extend(IFF_UP.to_ne_bytes());
    message
}

fn acknowledged(answer: &[u8]) -> Result<()> {
    let (Some(kind), Some(code)) = (answer.get(4..6), answer.get(16..20)) else {
        return Err(ErrorKind::UnexpectedEof.into());
    };
    if kind != NLMSG_ERROR.to_ne_bytes() {
        return Err(ErrorKind::InvalidData.into());
    }
    match code.try_into().map(i32::from_ne_bytes) {
        Ok(0) => Ok(()),
        Ok(code) => Err(Error::from_raw_os_error(code.wrapping_neg())),
        Err(_) => Err(ErrorKind::InvalidData.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(kind: u16, code: i32) -> Vec<u8> {
        let mut answer = vec![0; 36];
        answer[4..6].copy_from_slice(&kind.to_ne_bytes());
        answer[16..20].copy_from_slice(&code.to_ne_bytes());
        answer
    }

    #[test]
    fn the_request_is_as_long_as_it_says() {
        assert_eq!(request().len(), 32);
    }

    #[test]
    fn an_answer_is_yes_or_the_kernel_s_error() {
        assert!(acknowledged(&answer(NLMSG_ERROR, 0)).is_ok());
        assert_eq!(acknowledged(&answer(NLMSG_ERROR, -1)).unwrap_err().raw_os_error(), Some(1));
        assert!(acknowledged(&answer(RTM_NEWLINK, 0)).is_err());
        assert!(acknowledged(&[0; 10]).is_err());
    }
}

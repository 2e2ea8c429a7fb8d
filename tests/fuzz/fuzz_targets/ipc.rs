//! Any bytes on the socket, from either side: lines come out the same however the stream is cut, what can be read can be
//! written and read again, and the parameters of every method are read or refused.
#![no_main]

use libfuzzer_sys::fuzz_target;
use padgate_ipc::codec::{LINE_BYTES_MAX, LineBuffer, LineTooLong};
use padgate_ipc::event::Event;
use padgate_ipc::method::{
    Audit, Explain, GetPlugin, GetStatus, GrantPlugin, Method, Mode, Play, PluginLogs, PluginStats, Press,
    RevokePlugin, SayHello, Subscribe,
};
use padgate_ipc::rpc::{FromDaemon, Request};

fuzz_target!(|input: (u16, &[u8])| {
    let (piece, bytes) = input;
    let whole = lines(bytes, bytes.len().max(1));
    assert_eq!(lines(bytes, usize::from(piece).max(1)), whole);
    for line in whole.unwrap_or_default() {
        assert!(line.len() <= LINE_BYTES_MAX && !line.contains(&b'\n'));
        if let Ok(request) = Request::parse(&line) {
            assert_eq!(Request::parse(request.line().as_bytes()).ok().as_ref(), Some(&request));
            params::<SayHello>(&request);
            params::<GetStatus>(&request);
            params::<Subscribe>(&request);
            params::<Explain>(&request);
            params::<Press>(&request);
            params::<Play>(&request);
            params::<Mode>(&request);
            params::<GetPlugin>(&request);
            params::<GrantPlugin>(&request);
            params::<RevokePlugin>(&request);
            params::<PluginStats>(&request);
            params::<PluginLogs>(&request);
            params::<Audit>(&request);
        }
        match FromDaemon::parse(&line) {
            Ok(FromDaemon::Event(params)) => drop(serde_json::from_value::<Event>(params)),
            Ok(FromDaemon::Response(response)) => {
                assert_eq!(
                    FromDaemon::parse(response.line().as_bytes()).ok(),
                    Some(FromDaemon::Response(response))
                );
            }
            Ok(FromDaemon::Unknown) | Err(_) => {}
        }
    }
});

/// Parameters that can be read can be written and read again.
fn params<M: Method>(request: &Request) {
    if let Ok(params) = serde_json::from_value::<M::Params>(request.params.clone()) {
        let written = serde_json::to_value(&params).expect("what was read can be written");
        serde_json::from_value::<M::Params>(written).expect("what was written can be read");
    }
}

fn lines(bytes: &[u8], piece: usize) -> Result<Vec<Vec<u8>>, LineTooLong> {
    let mut buffer = LineBuffer::default();
    let mut lines = Vec::new();
    for piece in bytes.chunks(piece) {
        buffer.feed(piece);
        while let Some(line) = buffer.next_line()? {
            lines.push(line.to_vec());
        }
    }
    Ok(lines)
}

//! Server-sent events as they arrive: bytes in, whole messages out.

/// One message of the stream.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Message {
    /// Its kind; `message` if none is named.
    pub event: String,
    /// The stream's last id.
    pub id: String,
    /// Its lines of data.
    pub data: String,
}

/// Reads a stream piece by piece.
#[derive(Debug, Default)]
pub struct Reader {
    bytes: Vec<u8>,
    id: String,
    event: String,
    data: Vec<String>,
}

/// A line longer than this is no event of ours: the stream is given up.
const LINE_MAX: usize = 8 * 1024 * 1024;

/// The stream is not one of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a line of the live stream is longer than {LINE_MAX} bytes")]
pub struct TooLong;

impl Reader {
    /// Takes a piece of the stream and gives the messages that it completes.
    ///
    /// # Errors
    /// If a line is longer than any event.
    pub fn take(&mut self, piece: &[u8]) -> Result<Vec<Message>, TooLong> {
        self.bytes.extend_from_slice(piece);
        let mut messages = Vec::new();
        while let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.bytes.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            messages.extend(self.line(line.trim_end_matches(['\n', '\r'])));
        }
        if self.bytes.len() > LINE_MAX { Err(TooLong) } else { Ok(messages) }
    }

    fn line(&mut self, line: &str) -> Option<Message> {
        if line.is_empty() {
            return self.dispatch();
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "event" => value.clone_into(&mut self.event),
            "id" if !value.contains('\0') => value.clone_into(&mut self.id),
            "data" => self.data.push(value.to_owned()),
            _ => {}
        }
        None
    }

    fn dispatch(&mut self) -> Option<Message> {
        let event = std::mem::take(&mut self.event);
        let data = std::mem::take(&mut self.data);
        if data.is_empty() {
            return None;
        }
        let event = if event.is_empty() { "message".to_owned() } else { event };
        Some(Message { event, id: self.id.clone(), data: data.join("\n") })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str =
        ": beat\n\nid: 7\nevent: change\ndata: {\"a\":\ndata:1}\n\nretry: 100\ndata: é\r\n\r\nid: 8\n\n";

    #[test]
    fn messages_come_out_whole_however_the_stream_is_cut() {
        let expected = [
            Message { event: "change".into(), id: "7".into(), data: "{\"a\":\n1}".into() },
            Message { event: "message".into(), id: "7".into(), data: "é".into() },
        ];
        for size in 1..STREAM.len() {
            let mut reader = Reader::default();
            let pieces = STREAM.as_bytes().chunks(size);
            let messages: Vec<Message> = pieces.flat_map(|piece| reader.take(piece).unwrap()).collect();
            assert_eq!(messages, expected, "pieces of {size}");
        }
    }

    #[test]
    fn an_endless_line_is_given_up() {
        assert_eq!(Reader::default().take(&vec![b'x'; LINE_MAX + 1]), Err(TooLong));
    }
}

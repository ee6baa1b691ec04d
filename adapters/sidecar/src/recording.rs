//! Recorded answers: a file, a file of which each line is an answer, or a folder whose files are answers in the order of
//! their names. At its end a recording stays at its last answer, as a feed does that has no news. A last line that is not
//! ended is waited for: somebody may be writing it.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use serde::de::IgnoredAny;
use tokio::fs::{self, File};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};

use crate::decode::ANSWER_MAX;
use crate::fetch::too_large;
use crate::poll::{Answer, Failure, Settled};

/// Asks for which an unfinished line is waited for; at the end of a recording they lie a second apart, or more.
const PATIENCE: u32 = 2;

/// A recording that is being played.
#[derive(Debug)]
pub struct Recording {
    path: PathBuf,
    folder: bool,
    lines: Option<BufReader<File>>,
    half: HalfLine,
    /// The folder's file that was answered last.
    name: Option<OsString>,
    /// The file's time and size when it was answered last.
    seen: Option<(SystemTime, u64)>,
    last: Option<Result<Arc<[u8]>, Failure>>,
    settled: Settled,
}

impl Recording {
    /// A file.
    #[must_use]
    pub fn file(path: PathBuf) -> Self {
        Self::new(path, false)
    }

    /// A folder of files.
    #[must_use]
    pub fn folder(path: PathBuf) -> Self {
        Self::new(path, true)
    }

    fn new(path: PathBuf, folder: bool) -> Self {
        let (lines, half) = (None, HalfLine::default());
        Self { path, folder, lines, half, name: None, seen: None, last: None, settled: Settled::Read }
    }

    /// Gives the next answer.
    ///
    /// # Errors
    /// If the file cannot be read, is too large, or there is none yet.
    pub async fn ask(&mut self) -> Result<Answer, Failure> {
        if self.settled == Settled::NotTaken
            && let Some(last) = &self.last
        {
            return last.clone().map(Answer::Body);
        }
        let next = match self.next().await {
            Ok(next) => next,
            Err(error) => Some(Err(unreadable(&self.path, &error))),
        };
        match next {
            None => self.still(),
            Some(answer) => {
                self.last = Some(answer.clone());
                self.settled = if answer.is_ok() { Settled::Read } else { Settled::Refused };
                answer.map(Answer::Body)
            }
        }
    }

    /// Takes note of what became of the last answer.
    pub fn settle(&mut self, settled: Settled) {
        self.settled = settled;
    }

    /// With nothing new the last answer stands: good if it was read, else as bad as it was.
    fn still(&self) -> Result<Answer, Failure> {
        match &self.last {
            None => Err(Failure::new("empty", format!("nothing to read yet in {}", shown(&self.path)))),
            Some(_) if self.settled == Settled::Read => Ok(Answer::Unchanged),
            Some(last) => last.clone().map(Answer::Body),
        }
    }

    async fn next(&mut self) -> io::Result<Option<Result<Arc<[u8]>, Failure>>> {
        if !self.folder {
            return if is_lines(&self.path) { self.next_line().await } else { self.changed_file().await };
        }
        loop {
            if let Some(line) = self.line().await? {
                return Ok(Some(line));
            }
            let Some(name) = self.next_name().await? else { return Ok(None) };
            // Whoever began the next file writes no more in this one.
            if let Some(line) = self.half.end() {
                return Ok(Some(Ok(line)));
            }
            self.lines = None;
            let path = self.path.join(&name);
            self.name = Some(name);
            if !is_lines(&path) {
                return whole(File::open(&path).await?).await.map(Some);
            }
            self.lines = Some(BufReader::new(File::open(&path).await?));
        }
    }

    async fn next_line(&mut self) -> io::Result<Option<Result<Arc<[u8]>, Failure>>> {
        if self.lines.is_none() {
            self.lines = Some(BufReader::new(File::open(&self.path).await?));
        }
        self.line().await
    }

    /// The next line that is not empty; one that is not ended only as [`HalfLine`] says.
    async fn line(&mut self) -> io::Result<Option<Result<Arc<[u8]>, Failure>>> {
        let Some(reader) = &mut self.lines else { return Ok(None) };
        loop {
            let room = (ANSWER_MAX + 1).saturating_sub(self.half.bytes.len());
            let read = reader.take(room as u64).read_until(b'\n', &mut self.half.bytes).await?;
            if self.half.bytes.len() > ANSWER_MAX {
                skip_line(reader).await?;
                return Ok(Some(Err(too_large(&self.half.take()))));
            }
            if !self.half.bytes.ends_with(b"\n") {
                return Ok(self.half.answer(read > 0).map(Ok));
            }
            let line = self.half.take();
            if !line.trim_ascii().is_empty() {
                return Ok(Some(Ok(line.trim_ascii_end().into())));
            }
        }
    }

    async fn changed_file(&mut self) -> io::Result<Option<Result<Arc<[u8]>, Failure>>> {
        let about = fs::metadata(&self.path).await?;
        let now = (about.modified()?, about.len());
        if self.seen == Some(now) {
            return Ok(None);
        }
        let answer = whole(File::open(&self.path).await?).await?;
        self.seen = Some(now);
        Ok(Some(answer))
    }

    async fn next_name(&self) -> io::Result<Option<OsString>> {
        let mut next: Option<OsString> = None;
        let mut entries = fs::read_dir(&self.path).await?;
        while let Some(entry) = entries.next_entry().await? {
            let name = entry.file_name();
            let hidden = name.to_string_lossy().starts_with('.');
            let later = self.name.as_ref().is_none_or(|last| name > *last);
            let nearer = next.as_ref().is_none_or(|next| name < *next);
            if !hidden && later && nearer && fs::metadata(entry.path()).await?.is_file() {
                next = Some(name);
            }
        }
        Ok(next)
    }
}

/// The last line of a file as long as it is not ended. It is an answer once it is whole; and as it stands, which is to be
/// refused, once nobody has added to it for some asks. What is added later makes it an answer again.
#[derive(Debug, Default)]
struct HalfLine {
    bytes: Vec<u8>,
    /// Asks in a row in which nothing was added.
    still: u32,
}

impl HalfLine {
    fn take(&mut self) -> Vec<u8> {
        std::mem::take(self).bytes
    }

    /// What is to be answered now, after one more look at the file.
    fn answer(&mut self, grew: bool) -> Option<Arc<[u8]>> {
        if grew && is_whole(&self.bytes) {
            return Some(self.take().trim_ascii_end().into());
        }
        self.still = if grew { 0 } else { self.still.saturating_add(1) };
        let told = self.still == PATIENCE && !self.bytes.trim_ascii().is_empty();
        told.then(|| self.bytes.trim_ascii_end().into())
    }

    /// Nothing more is added: what is to be answered that was not.
    fn end(&mut self) -> Option<Arc<[u8]>> {
        let told = self.still >= PATIENCE;
        let line = self.take();
        (!told && !line.trim_ascii().is_empty()).then(|| line.trim_ascii_end().into())
    }
}

/// Whether a line is JSON that nothing can be added to.
fn is_whole(line: &[u8]) -> bool {
    matches!(line.trim_ascii_start().first(), Some(b'{' | b'[')) && serde_json::from_slice::<IgnoredAny>(line).is_ok()
}

async fn whole(file: File) -> io::Result<Result<Arc<[u8]>, Failure>> {
    let mut body = Vec::new();
    file.take(ANSWER_MAX as u64 + 1).read_to_end(&mut body).await?;
    Ok(if body.len() > ANSWER_MAX { Err(too_large(&body)) } else { Ok(body.into()) })
}

async fn skip_line(reader: &mut BufReader<File>) -> io::Result<()> {
    loop {
        let buffer = reader.fill_buf().await?;
        if buffer.is_empty() {
            return Ok(());
        }
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let used = end.map_or(buffer.len(), |end| end + 1);
        reader.consume(used);
        if end.is_some() {
            return Ok(());
        }
    }
}

fn is_lines(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("jsonl"))
}

fn shown(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn unreadable(path: &Path, error: &io::Error) -> Failure {
    Failure::new("unreadable-file", format!("{} cannot be read: {error}", shown(path)))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    fn body(text: &str) -> Result<Answer, Failure> {
        Ok(Answer::Body(text.as_bytes().into()))
    }

    #[tokio::test]
    async fn each_line_is_an_answer_and_the_last_one_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        std::fs::write(&path, "[1]\n\n[2]\r\n[3]").unwrap();
        let mut recording = Recording::file(path);
        for line in ["[1]", "[2]", "[3]"] {
            assert_eq!(recording.ask().await, body(line));
            recording.settle(Settled::Read);
        }
        assert_eq!(recording.ask().await, Ok(Answer::Unchanged));
    }

    #[tokio::test]
    async fn an_answer_that_was_not_taken_comes_again_and_a_refused_one_only_at_the_end() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("2.json"), "two").unwrap();
        std::fs::write(folder.path().join("1.json"), "one").unwrap();
        std::fs::write(folder.path().join(".hidden"), "no").unwrap();
        std::fs::create_dir(folder.path().join("3")).unwrap();
        let mut recording = Recording::folder(folder.path().to_owned());
        assert_eq!(recording.ask().await, body("one"));
        recording.settle(Settled::NotTaken);
        assert_eq!(recording.ask().await, body("one"));
        recording.settle(Settled::Refused);
        assert_eq!(recording.ask().await, body("two"));
        recording.settle(Settled::Refused);
        assert_eq!(recording.ask().await, body("two"));
        std::fs::write(folder.path().join("4.jsonl"), "a\nb\n").unwrap();
        for line in ["a", "b"] {
            assert_eq!(recording.ask().await, body(line));
            recording.settle(Settled::Read);
        }
        assert_eq!(recording.ask().await, Ok(Answer::Unchanged));
    }

    #[tokio::test]
    async fn a_line_that_is_still_being_written_is_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        std::fs::write(&path, "[1]\n[{\"a\":").unwrap();
        let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
        let mut recording = Recording::file(path);
        assert_eq!(recording.ask().await, body("[1]"));
        for more in ["\"b\"", "}"] {
            assert_eq!(recording.ask().await, Ok(Answer::Unchanged));
            file.write_all(more.as_bytes()).unwrap();
        }
        assert_eq!(recording.ask().await, Ok(Answer::Unchanged));
        file.write_all(b"]").unwrap();
        assert_eq!(recording.ask().await, body("[{\"a\":\"b\"}]"), "whole, though not ended");
        file.write_all(b"\n[2]\n").unwrap();
        assert_eq!(recording.ask().await, body("[2]"));
        assert_eq!(recording.ask().await, Ok(Answer::Unchanged));
    }

    #[tokio::test]
    async fn a_line_that_nobody_ends_is_told_once_and_is_read_if_it_is_ended_after_all() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        std::fs::write(&path, "[1]\n[2").unwrap();
        let mut recording = Recording::file(path.clone());
        assert_eq!(recording.ask().await, body("[1]"));
        for _ in 0..PATIENCE {
            assert_eq!(recording.ask().await, Ok(Answer::Unchanged));
        }
        assert_eq!(recording.ask().await, body("[2"));
        recording.settle(Settled::Refused);
        assert_eq!(recording.ask().await, body("[2"), "as bad as it was");
        let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"]\n").unwrap();
        assert_eq!(recording.ask().await, body("[2]"));
    }

    #[tokio::test]
    async fn in_a_folder_the_next_file_ends_the_line_of_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("1.jsonl"), "[1]\n[2").unwrap();
        let mut recording = Recording::folder(folder.path().to_owned());
        assert_eq!(recording.ask().await, body("[1]"));
        assert_eq!(recording.ask().await, Ok(Answer::Unchanged));
        std::fs::write(folder.path().join("2.jsonl"), "[3]\n").unwrap();
        for line in ["[2", "[3]"] {
            assert_eq!(recording.ask().await, body(line));
            recording.settle(Settled::Read);
        }
        assert_eq!(recording.ask().await, Ok(Answer::Unchanged));
    }

    #[tokio::test]
    async fn a_file_is_an_answer_until_it_changes() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("feed.json");
        let mut recording = Recording::file(path.clone());
        assert_eq!(recording.ask().await.unwrap_err().error.code, "unreadable-file");
        std::fs::write(&path, "one").unwrap();
        assert_eq!(recording.ask().await, body("one"));
        recording.settle(Settled::Read);
        assert_eq!(recording.ask().await, Ok(Answer::Unchanged));
        std::fs::write(&path, "longer").unwrap();
        assert_eq!(recording.ask().await, body("longer"));
    }

    #[tokio::test]
    async fn what_is_too_large_is_refused_and_the_next_line_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        let mut lines = vec![b'x'; ANSWER_MAX + 10_000];
        lines.extend_from_slice(b"\nsmall\n");
        std::fs::write(&path, lines).unwrap();
        let mut recording = Recording::file(path);
        let failure = recording.ask().await.unwrap_err();
        assert_eq!((failure.error.code.as_str(), failure.refusal.unwrap().input.len()), ("too-large", ANSWER_MAX + 1));
        assert_eq!(recording.ask().await, body("small"));
        let empty = Recording::folder(folder.path().join("none")).ask().await;
        assert_eq!(empty.unwrap_err().error.code, "unreadable-file");
    }
}

//! The command as its users run it: the built program, real files, a real HTTP server.

mod double;
mod help;
mod mistakes;
mod publish;
mod run;
mod show;

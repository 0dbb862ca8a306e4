//! The Management API v2, as far as the sandbox has it.

mod token;

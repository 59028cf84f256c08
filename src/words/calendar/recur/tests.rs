//! What is accepted, what is refused, and both sides of every change of the clocks.

use super::*;

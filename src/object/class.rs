//! Object classes and key types: which attributes they have, and who may set them when.

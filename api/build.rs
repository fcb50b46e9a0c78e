//! With the feature `bundled-graphiql`, checks that the files of GraphiQL have been built before they are included.

use std::{env, path::Path};

const BUNDLE: [&str; 2] = ["graphiql/dist/graphiql.js", "graphiql/dist/graphiql.css"];

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if env::var_os("CARGO_FEATURE_BUNDLED_GRAPHIQL").is_none() {
        return;
    }
    for file in BUNDLE {
        println!("cargo::rerun-if-changed={file}");
    }
    if let Some(missing) = BUNDLE.into_iter().find(|file| !Path::new(file).is_file()) {
        println!("cargo::error=api/{missing} is missing: run `npm ci && npm run build` in api/graphiql");
    }
}

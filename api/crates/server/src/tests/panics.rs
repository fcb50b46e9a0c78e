use serde_json::{Value, json};

use super::{Small, patient};

async fn ask(server: &Small, client: &reqwest::Client, query: &str) -> (u16, String, Value) {
    let request = client.post(format!("http://{}/graphql", server.address)).json(&json!({ "query": query }));
    let response = request.send().await.unwrap();
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    (response.status().as_u16(), id, response.json().await.unwrap())
}

#[tokio::test]
async fn a_panic_in_a_resolver_fails_one_request() {
    let server = Small::start(patient()).await;
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let queries = ["{ hello }", "{ panics }", "{ hello panics }", "{ hello }"];
    let asked = (0..40).map(|n| ask(&server, &client, queries[n % queries.len()]));
    for (n, (status, id, body)) in futures::future::join_all(asked).await.into_iter().enumerate() {
        if queries[n % queries.len()].contains("panics") {
            let message = "Something went wrong on our side. Tell us the requestId if it happens again.";
            let extensions = json!({"code": "INTERNAL_SERVER_ERROR", "requestId": id});
            assert_eq!(status, 500);
            assert_eq!(body, json!({"errors": [{"message": message, "extensions": extensions}]}));
        } else {
            assert_eq!((status, body), (200, json!({"data": {"hello": "world"}})));
        }
    }
    // The same connections still work.
    assert_eq!(ask(&server, &client, "{ hello }").await.0, 200);
}

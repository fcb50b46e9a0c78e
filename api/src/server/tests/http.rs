//! Requests to a schema that fails.

use serde_json::{Value, json};

use super::{Small, patient};

/// Status, the id of the request, and the answer.
async fn ask(server: &Small, accept: &str, query: &str) -> (u16, String, Value) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.post(format!("http://{}/graphql", server.address)).header("accept", accept);
    let response = request.json(&json!({ "query": query })).send().await.unwrap();
    let id = response.headers()["x-request-id"].to_str().unwrap().to_owned();
    (response.status().as_u16(), id, response.json().await.unwrap())
}

#[tokio::test]
async fn a_panic_fails_one_request_and_tells_its_id_alone() {
    let server = Small::start(patient()).await;
    for accept in ["application/graphql-response+json", "application/json"] {
        let (status, id, answer) = ask(&server, accept, "{ panics }").await;
        let message = "Something went wrong on our side. Tell us the requestId if it happens again.";
        let extensions = json!({"code": "INTERNAL_SERVER_ERROR", "requestId": id});
        assert_eq!(
            (status, &answer),
            (500, &json!({"errors": [{"message": message, "extensions": extensions}]}))
        );
        let (status, _, answer) = ask(&server, accept, "{ hello }").await;
        assert_eq!((status, answer), (200, json!({"data": {"hello": "world"}})));
    }
}

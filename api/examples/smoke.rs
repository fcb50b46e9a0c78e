use std::sync::Arc;
use async_graphql::*;
use passerelle::record::read::Database;
use passerelle::directory::*;
#[derive(MergedObject, Default)]
struct Q(vocabulary::graphql::VocabularyQuery, region::graphql::RegionQuery, organization::graphql::OrganizationQuery, talent::graphql::TalentQuery, partnership::graphql::PartnershipQuery, partnership::graph::PartnershipGraphQuery, statistics::StatisticsQuery);
#[tokio::main]
async fn main() {
    let url = std::env::args().nth(1).unwrap();
    let db: Arc<Database> = Database::open(&url).await.unwrap();
    use sea_orm_migration::MigratorTrait;
    migration::Migrator::up(db.writer(), None).await.unwrap();
    let app = passerelle::app::App::new(db.clone(), Default::default());
    println!("loaded {:?}", passerelle::import::sample::load(&app).await);
    let schema = Schema::new(Q::default(), EmptyMutation, EmptySubscription);
    for q in std::env::args().skip(2) {
        let reader = passerelle::record::reader::Reader::new(db.clone(), passerelle::record::policy::Viewer::anonymous(), passerelle::record::value::LanguagePreferences::parse("en"), chrono::Utc::now().date_naive());
        let before = db.statements();
        let r = schema.execute(Request::new(&q).data(reader.clone())).await;
        println!("{}\n  -> {} statements", serde_json::to_string_pretty(&r).unwrap().chars().take(2500).collect::<String>(), db.statements()-before);
    }
}

//! XOS's rules as pure functions: objects, intent, dirty and delete rules, backoff

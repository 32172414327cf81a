"""The Seller API: its client, its typed answers, and the visibility that its statuses give a product."""

"""What a person looks at: galleries, pages, artifacts."""

"""The back-ends, one file each; `custody.driver` says what each offers and imports the one that is used."""

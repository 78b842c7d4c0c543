"""Rules over changes in the directory, which name no token. One is a module of this folder that holds `CHANGE_RULE`."""

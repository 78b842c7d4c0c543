"""What Entra ID issued, changed and served: sign-ins, directory audit, Graph activity, in each wrapper."""

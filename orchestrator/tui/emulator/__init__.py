"""A terminal inside the app: what programs send is drawn, what is typed reaches them."""

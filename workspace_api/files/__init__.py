"""Files of homes and shares, as far as a person may read them."""

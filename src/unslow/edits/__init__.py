"""What source edits share: calls changed in the user's own source with its formatting kept, and the patch of them."""

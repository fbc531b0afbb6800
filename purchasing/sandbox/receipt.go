package sandbox

import (
	"net/http"
	"time"

	"drawdown"
)

// receipt is what was paid, as the receipt's address has it: a receipt outlives the process that wrote it.
type receipt struct {
	Account  string `json:"a"`
	Purchase string `json:"p"`
	Quantity string `json:"q"` // credits
	Amount   string `json:"m"`
	Currency string `json:"c"`
	At       int64  `json:"t"` // Unix seconds
}

// receiptURL is where a receipt can be seen. What is too long for a receipt's address (contract, section 3) is only
// referred to.
func (g *Gateway) receiptURL(r *receipt) string {
	address := g.config.BaseURL + receiptsPath + g.seal(sealedReceipt, r)
	if len(address) > drawdown.MaxReceiptLen {
		return "sandbox/" + r.Purchase
	}
	return address
}

// receiptView is what the page of a receipt shows.
type receiptView struct {
	Title                              string
	Account, Purchase, Credits, Amount string
	Tax, Paid                          string
}

// receiptPage shows a receipt.
func (g *Gateway) receiptPage(w http.ResponseWriter, r *http.Request) {
	var of receipt
	if err := g.unseal(sealedReceipt, r.PathValue("receipt"), &of); err != nil {
		g.refuse(w, http.StatusNotFound, "This receipt does not exist", "The address is not complete, or it was changed.", "")
		return
	}
	g.show(w, http.StatusOK, "receipt.html", "", &receiptView{
		Title: "Receipt", Account: of.Account, Purchase: of.Purchase, Credits: group(of.Quantity),
		Amount: of.Currency + " " + group(of.Amount), Tax: of.Currency + " 0.00",
		Paid: time.Unix(of.At, 0).UTC().Format("2 January 2006, 15:04 UTC"),
	})
}
